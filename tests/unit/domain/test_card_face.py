"""What is printed on a card, and where."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.card import Card, CardStatus
from app.domain.card_face import (
    HEIGHT,
    PHOTO,
    PRINTABLE,
    WIDTH,
    CannotPrintOwnCard,
    CardCannotBePrinted,
    CardFace,
    layout_of,
    require_printable,
)
from app.domain.photo import FRAME

LONG = (
    "Wilhelmina Featherstonehaugh-Cholmondeley van der Straaten-Westerhuizen Bartholomew Montgomery Jr",
    "Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenversicherung Ng",
    "W" * 100,
)


def width(text: str, size: float) -> float:
    """As in a font whose letters are all 0.6 of their size wide."""
    return len(text) * 0.6 * size * 25.4 / 72


def face(name: str = "Amara Osei", back_number: str = "1111 2222 3333") -> CardFace:
    return CardFace("90000001", "656005750104", name, b"jpeg", 2, back_number)


def test_the_front_has_name_and_user_id_and_the_back_issue_and_numbers() -> None:
    layout = layout_of(face(), width)
    assert [line.text for line in layout.front] == ["Amara Osei", "6560 0575 0104"]
    assert [line.text for line in layout.back] == ["1111 2222 3333", "Issue 2", "Card 90000001"]
    assert [line.text for line in layout_of(face(back_number=""), width).back] == ["Issue 2", "Card 90000001"]


@pytest.mark.parametrize("name", ["Ng", "Zoë Łukasiewicz-Ñandú", "Ελένη Παπαδοπούλου", *LONG])
def test_a_name_is_whole_and_inside_the_card_and_right_of_the_photo(name: str) -> None:
    *lines, _ = layout_of(face(name), width).front
    written = "".join(line.text for line in lines)
    assert written.replace(" ", "") == name.replace(" ", "")
    for line in lines:
        assert line.left > PHOTO[0] + PHOTO[2]
        assert line.left + width(line.text, line.size) <= WIDTH - 4
        assert 5 < line.base < HEIGHT - 4
    bases = [line.base for line in lines]
    assert bases == sorted(bases)


def test_a_long_name_is_written_smaller_and_breaks_at_blanks_and_hyphens() -> None:
    short, long = (layout_of(face(name), width).front[:-1] for name in ("Ng", LONG[0]))
    assert short[0].size > long[0].size
    assert 1 < len(long) <= 4
    assert all(line.text in LONG[0] for line in long)


def test_the_photo_has_the_shape_of_the_frame() -> None:
    assert PHOTO[2] / PHOTO[3] == FRAME[0] / FRAME[1]


@pytest.mark.parametrize("status", list(CardStatus))
def test_only_a_card_that_is_somebodys_is_printed(status: CardStatus) -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    card = Card("90000001", "softhsm", "656005750104", status, now)
    if status in PRINTABLE:
        assert require_printable(card, "710000000001") == "656005750104"
        with pytest.raises(CannotPrintOwnCard):
            require_printable(card, "656005750104")
    else:
        with pytest.raises(CardCannotBePrinted, match=status.value):
            require_printable(card, "710000000001")
