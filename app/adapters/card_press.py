"""Draws card faces as PDF (fpdf2), with the fonts of the machine embedded. No network, no printer driver.

Letters are shaped by HarfBuzz, so that Arabic joins and runs from right to left. Fonts are Debian's: DejaVu
(fonts-dejavu-core) has Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic; where others are
installed, they are used for letters that it lacks.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from app.domain.card_face import (
    HEIGHT,
    PHOTO,
    WIDTH,
    CardCannotBePrinted,
    CardFace,
    Layout,
    Line,
    Sides,
    layout_of,
)
from app.errors import Unavailable

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.fonts import TTFFont

_FONTS = Path("/usr/share/fonts/truetype")
_SCRIPTS = ("Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Tamil", "Sinhala", "Thai", "Ethiopic")
FONT_FILES = (
    _FONTS / "dejavu" / "DejaVuSans.ttf",
    *(_FONTS / "noto" / f"NotoSans{script}-Regular.ttf" for script in _SCRIPTS),
    _FONTS / "droid" / "DroidSansFallbackFull.ttf",
)
"""The first is needed; the others are used where they are installed."""
_POINT = 25.4 / 72
_NO_GLYPH = frozenset(" \u00a0")


class CardPress:
    """Draws card faces.

    Args:
        fonts: font files; letters that the first lacks are taken from the others.
    """

    def __init__(self, fonts: Sequence[Path] = FONT_FILES) -> None:
        self._fonts = [file for file in fonts if file.exists()]

    def layout(self, face: CardFace) -> Layout:
        """Where everything is, with texts as wide as these fonts write them."""
        with self._document() as document:

            def width(text: str, size: float) -> float:
                document.set_font(size=size)
                return float(document.get_string_width(text))

            return layout_of(face, width)

    def without_letters(self, text: str) -> str:
        """Those characters of the text that no font here can print."""
        wanted = dict.fromkeys(each for each in text if each not in _NO_GLYPH)
        return "".join(each for each in wanted if ord(each) not in self._letters)

    def pdf(self, face: CardFace, layout: Layout, sides: Sides, at: datetime) -> bytes:
        """The PDF, one page of ID-1 for each side.

        Raises:
            CardCannotBePrinted: the photo cannot be read.
        """
        with self._document() as document:
            document.set_title(f"Card {face.serial}")
            document.set_creation_date(at)
            if sides in (Sides.BOTH, Sides.FRONT):
                document.add_page()
                left, top, width, height = PHOTO
                document.image(_photo(face.photo), left, top, width, height)
                _write(document, layout.front)
            if sides in (Sides.BOTH, Sides.BACK):
                document.add_page()
                _write(document, layout.back)
            return bytes(document.output())

    @cached_property
    def _letters(self) -> frozenset[int]:
        with self._document() as document:
            return frozenset(letter for font in _fonts_of(document) for letter in font.cmap)

    @contextmanager
    def _document(self) -> Iterator[FPDF]:
        """An empty document, whose fonts' files are closed in the end."""
        document = self._begun()
        try:
            yield document
        finally:
            for font in _fonts_of(document):
                font.close()

    def _begun(self) -> FPDF:
        if not self._fonts:
            raise Unavailable(
                "fonts", "The server has no font to print cards with. Install the package fonts-dejavu-core."
            )
        # Loaded for the first card: it takes a fifth of the time in which a server of pages starts.
        from fpdf import FPDF
        from fpdf.enums import TextEmphasis

        # fpdf2 turns the page: given is the upright card, of which the longer side becomes the width.
        document = FPDF(orientation="landscape", unit="mm", format=(HEIGHT, WIDTH))
        document.set_margin(0)
        document.set_auto_page_break(False)
        document.c_margin = 0
        for number, file in enumerate(self._fonts):
            document.add_font(f"card{number}", "", file)
        document.set_fallback_fonts([f"card{number}" for number in range(1, len(self._fonts))])
        document.set_font("card0", style=TextEmphasis.NONE, size=10)
        document.set_text_shaping(True)
        return document


def _fonts_of(document: FPDF) -> list[TTFFont]:
    from fpdf.fonts import TTFFont

    return [font for font in document.fonts.values() if isinstance(font, TTFFont)]


def _write(document: FPDF, lines: Sequence[Line]) -> None:
    from fpdf.enums import Align

    for line in lines:
        document.set_font(size=line.size)
        height = line.size * _POINT
        # A cell writes its base line at half its height and 0.3 of the size (fpdf2).
        document.set_xy(line.left, line.base - 0.8 * height)
        document.cell(line.width, height, line.text, align=Align.C if line.is_centred else Align.L)


def _photo(photo: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(photo))
        picture.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as fault:
        raise CardCannotBePrinted(
            "The holder's photo cannot be read. Register it anew, then print the card."
        ) from fault
    return picture.convert("RGB")
