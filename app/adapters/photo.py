"""Pictures of people, read with Pillow. They come from strangers: limited before they are decoded."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from app.domain.photo import FRAME, LARGEST_FILE_BYTES, MIDDLE, Crop
from app.errors import InvalidInput

# A small file can claim to be a huge picture.
MOST_PIXELS = 50_000_000
# Only these decoders are ever tried.
_FORMATS = ("JPEG", "PNG", "WEBP")
_JPEG_QUALITY = 85


class PillowPhotos:
    """Turns any acceptable picture into a card's photo."""

    def card_photo_from_untrusted(self, picture: bytes, crop: Crop = MIDDLE) -> bytes:
        """Part of the picture in the card's frame, decoded and written anew as JPEG without metadata.

        A picture that has the frame's shape already, as the cropping page gives, is kept whole by default.

        Raises:
            InvalidInput: under ``photo``.
        """
        if len(picture) > LARGEST_FILE_BYTES:
            raise _not_usable("The photo must be smaller than 8 MB. Choose a smaller one.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                return _as_card_photo(_opened(picture), crop)
        except (
            UnidentifiedImageError,
            Image.DecompressionBombError,
            Image.DecompressionBombWarning,
            OSError,
            ValueError,
            SyntaxError,
        ):
            raise _not_usable("Choose a photo that is a JPEG, PNG or WebP picture.") from None


def _opened(picture: bytes) -> Image.Image:
    opened = Image.open(io.BytesIO(picture), formats=_FORMATS)
    width, height = opened.size
    if width * height > MOST_PIXELS:
        raise _not_usable("The photo has too many pixels. Choose one of at most 50 megapixels.")
    if width < FRAME[0] // 2 or height < FRAME[1] // 2:
        raise _not_usable("The photo is too small. Choose one at least 240 pixels wide and 300 high.")
    return opened


def _as_card_photo(opened: Image.Image, crop: Crop) -> bytes:
    upright = ImageOps.exif_transpose(opened).convert("RGB")
    framed = upright.resize(FRAME, Image.Resampling.LANCZOS, box=crop.box(*upright.size))
    # A new image: nothing of the old file's metadata comes along.
    clean = Image.new("RGB", FRAME)
    clean.paste(framed)
    written = io.BytesIO()
    clean.save(written, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return written.getvalue()


def _not_usable(sentence: str) -> InvalidInput:
    return InvalidInput({"photo": sentence})
