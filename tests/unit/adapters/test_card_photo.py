"""A photo becomes the card's frame, whatever was sent; what is no photo is refused."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from app.adapters.photo import PillowPhotos
from app.domain.photo import FRAME, Crop
from app.errors import InvalidInput

cropped_photo_from_untrusted = PillowPhotos().card_photo_from_untrusted

RED, BLUE = (220, 20, 20), (20, 20, 220)


def picture(width: int, height: int, kind: str = "JPEG", **options: object) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    drawn = Image.new("RGB", (width, height), RED)
    drawn.paste(BLUE, (width // 2, 0, width, height))
    written = io.BytesIO()
    drawn.save(written, kind, **options)
    return written.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg), formats=("JPEG",))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(900, 700), (300, 1200), (240, 300)])
def test_any_picture_becomes_a_jpeg_in_the_frame(kind: str, size: tuple[int, int]) -> None:
    assert opened(cropped_photo_from_untrusted(picture(*size, kind), Crop())).size == FRAME


def test_the_middle_is_kept_unless_told_otherwise() -> None:
    assert Crop().box(1000, 500) == pytest.approx((300, 0, 700, 500))


def test_zoom_and_place_choose_the_part() -> None:
    assert Crop(zoom=200, across=0, down=100).box(480, 600) == pytest.approx((0, 300, 240, 600))


def test_moving_left_keeps_the_left_edge() -> None:
    kept = opened(cropped_photo_from_untrusted(picture(2000, 600), Crop(across=0)))
    red, _, blue = kept.getpixel((10, 300))
    assert red > 150 > blue


def test_a_picture_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the left by the camera
    kept = opened(cropped_photo_from_untrusted(picture(600, 480, exif=exif), Crop()))
    top, bottom = kept.getpixel((240, 10)), kept.getpixel((240, 590))
    assert (top[0] > 150, bottom[2] > 150) == (True, True)


def test_where_the_photo_was_taken_is_not_kept() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera maker"
    kept = cropped_photo_from_untrusted(picture(600, 800, exif=exif), Crop())
    assert b"Camera maker" not in kept
    assert not opened(kept).getexif()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + bytes(100),
        picture(600, 800)[:300],
    ],
)
def test_what_is_no_photo_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        cropped_photo_from_untrusted(data, Crop())
    assert refusal.value.problems.keys() == {"photo"}


def test_a_photo_that_is_too_small_is_refused() -> None:
    with pytest.raises(InvalidInput, match="too small"):
        cropped_photo_from_untrusted(picture(100, 100), Crop())


def test_a_small_file_that_claims_to_be_huge_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(InvalidInput):
        cropped_photo_from_untrusted(png_that_claims(60_000, 60_000), Crop())


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidInput, match="8 MB"):
        cropped_photo_from_untrusted(bytes(8 * 1024 * 1024 + 1), Crop())


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG whose header names this size and which has almost no data (PNG specification, 5.6 and 11.2.2)."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
