"""The PDF of a card face: its size, its text, its font and its picture."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from PIL import Image

from app.adapters.card_press import FONT_FILES, CardPress
from app.domain.card_face import CardCannotBePrinted, CardFace, Sides
from app.errors import Unavailable

NOW = datetime(2026, 11, 26, tzinfo=UTC)
DEJAVU = FONT_FILES[:1]


def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (480, 600), (10, 90, 160)).save(written, "JPEG")
    return written.getvalue()


@pytest.fixture(scope="module")
def press() -> CardPress:
    return CardPress(DEJAVU)


def printed(
    press: CardPress, name: str, sides: Sides = Sides.BOTH, photo: bytes | None = None
) -> pypdf.PdfReader:
    face = CardFace("90000001", "656005750104", name, photo or picture(), 2, "1111 2222 3333")
    pdf = press.pdf(face, press.layout(face), sides, NOW)
    return pypdf.PdfReader(io.BytesIO(pdf))


def test_a_page_has_the_size_of_a_card_for_each_side(press: CardPress) -> None:
    for sides, pages in ((Sides.BOTH, 2), (Sides.FRONT, 1), (Sides.BACK, 1)):
        read = printed(press, "Amara Osei", sides)
        assert len(read.pages) == pages
        for page in read.pages:
            size = (float(page.mediabox.width) * 25.4 / 72, float(page.mediabox.height) * 25.4 / 72)
            assert size == pytest.approx((85.60, 53.98), abs=0.01)


@pytest.mark.parametrize(
    "name",
    ["Amara Osei", "Zoë Łukasiewicz-Ñandú", "Ελένη Παπαδοπούλου", "Дмитро Шевченко", "محمد عبد الله"],
)
def test_names_can_be_read_out_of_the_pdf(press: CardPress, name: str) -> None:
    front, back = (page.extract_text() for page in printed(press, name).pages)
    assert set(name.split()) <= set(front.replace("-\n", "-").split()), front
    assert "6560 0575 0104" in front
    assert back.split("\n") == ["1111 2222 3333", "Issue 2", "Card 90000001"]


def test_the_font_is_embedded_and_the_photo_is_on_the_front_alone(press: CardPress) -> None:
    front, back = printed(press, "Amara Osei").pages
    fonts = front["/Resources"]["/Font"]  # type: ignore[index]
    for font in fonts.values():
        (descendant,) = font.get_object()["/DescendantFonts"]
        assert "/FontFile2" in descendant.get_object()["/FontDescriptor"]
    (photo,) = front.images
    assert photo.image is not None
    assert photo.image.size == (480, 600)
    assert photo.image.convert("RGB").getpixel((240, 300)) == pytest.approx((10, 90, 160), abs=4)
    assert len(back.images) == 0


def test_letters_that_no_font_has_are_named(press: CardPress) -> None:
    assert press.without_letters("Zoë Łukasiewicz-Ñandú Ελένη Дмитро محمد") == ""
    assert press.without_letters("王 小明 王") == "王小明"


def test_a_photo_that_cannot_be_read_is_told(press: CardPress) -> None:
    with pytest.raises(CardCannotBePrinted, match="photo cannot be read"):
        printed(press, "Amara Osei", photo=b"no picture")


def test_without_a_font_it_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="fonts-dejavu-core"):
        CardPress([tmp_path / "none.ttf"]).without_letters("Amara")
