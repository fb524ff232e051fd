"""The face of a card: what is printed on it, and where. Name, photo, user id (UUID); never an organisation.

A card has the size ID-1 of ISO/IEC 7810: 85.60 × 53.98 mm. All places here are millimetres from the upper
left corner, font sizes are points. The same layout is drawn as PDF for the card printer and as the preview.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.card import Card, CardStatus
from app.errors import NotPermitted, Refusal

WIDTH, HEIGHT = 85.60, 53.98
PHOTO = (5.0, 5.0, 30.0, 37.5)
"""Left, top, width and height of the photo, in the shape of ``app.domain.photo.FRAME``."""

PRINTABLE = frozenset(
    {
        CardStatus.ASSIGNED,
        CardStatus.PERSONALISED,
        CardStatus.ACTIVE,
        CardStatus.LOCKED,
        CardStatus.EXPIRING,
    }
)
"""A card that is somebody's, or is going to be, and is not out of use."""

REPRINT_REASONS = {
    "misprint": "The printer failed, or the print is not good",
    "worn": "The print is worn or damaged, and the card works",
    "details_changed": "The name or the photo has changed",
    "back_missing": "The other side was not printed before",
}
"""Why a card is printed again: the value kept, and what the page says."""

_POINT = 25.4 / 72
_LINE = 1.25
_NAME_LEFT, _NAME_TOP, _NAME_WIDTH = 39.0, 6.0, 42.0
_NAME_SIZES = (15.0, 13.0, 11.0, 9.5, 8.0, 7.0, 6.0)
_MOST_LINES = 4

Measure = Callable[[str, float], float]
"""How wide a text is in a size, in millimetres."""


class Sides(StrEnum):
    """Which sides are printed."""

    BOTH = "both"
    FRONT = "front"
    BACK = "back"


class CardCannotBePrinted(Refusal):
    """The card's state, or what there is to print, does not allow it."""

    code = "card_cannot_be_printed"


class CannotPrintOwnCard(NotPermitted):
    """An operator would print their own card."""

    code = "cannot_print_own_card"


@dataclass(frozen=True)
class CardFace:
    """What is printed on a card.

    Attributes:
        name: as its holder wants it on the card.
        photo: JPEG; empty when there is none.
        issue_number: the how many-th card of its holder it is.
        back_number: as its card profile writes it; empty when none is known.
    """

    serial: str
    uid: str
    name: str
    photo: bytes
    issue_number: int
    back_number: str


@dataclass(frozen=True)
class Line:
    """One line of text: the left end of its box, its base line, its size, and how wide the box is."""

    text: str
    left: float
    base: float
    size: float
    width: float
    is_centred: bool = False


@dataclass(frozen=True)
class Layout:
    """Where everything is."""

    front: tuple[Line, ...]
    back: tuple[Line, ...]


@dataclass(frozen=True)
class Printing:
    """One time that a card was printed; ``reason`` is empty the first time for its holder."""

    number: int
    printed_at: datetime
    printed_by: str
    sides: Sides
    reason: str
    note: str


def require_printable(card: Card, actor_uid: str) -> str:
    """The holder's user id, if this card makes sense to print now, and not for oneself.

    Raises:
        CannotPrintOwnCard, CardCannotBePrinted
    """
    if card.holder_uid is None or card.status not in PRINTABLE:
        raise CardCannotBePrinted(
            f"Card {card.serial} is {card.status.value}. Only a card that is being issued or is in use is"
            " printed."
        )
    if card.holder_uid == actor_uid:
        raise CannotPrintOwnCard("You cannot print your own card. Ask another RA manager or agent.")
    return card.holder_uid


def layout_of(face: CardFace, measure: Measure) -> Layout:
    """Place everything; a long name is written smaller and on more lines, and never cut."""
    left, top, width, height = PHOTO
    uid = " ".join(face.uid[start : start + 4] for start in range(0, len(face.uid), 4))
    under_photo = Line(uid, left - 2, top + height + 5.0, 9.0, width + 4, is_centred=True)
    return Layout((*_name_lines(face.name, measure), under_photo), tuple(_back(face)))


def _back(face: CardFace) -> Iterator[Line]:
    width = WIDTH - 10
    if face.back_number:
        yield Line(face.back_number, 5.0, 12.0, 13.0, width)
    yield Line(f"Issue {face.issue_number}", 5.0, 19.0, 9.0, width)
    yield Line(f"Card {face.serial}", 5.0, 25.0, 7.0, width)


def _name_lines(name: str, measure: Measure) -> Iterator[Line]:
    size, lines = _fitted(name, measure)
    height = size * _POINT * _LINE
    for nth, text in enumerate(lines):
        yield Line(text, _NAME_LEFT, _NAME_TOP + size * _POINT + nth * height, size, _NAME_WIDTH)


def _fitted(name: str, measure: Measure) -> tuple[float, list[str]]:
    """The largest size in which no word is broken and few lines are needed; else the smallest."""
    for size in _NAME_SIZES:
        lines = _wrapped(_parts(name), size, measure)
        if len(lines) <= _MOST_LINES and all(measure(each, size) <= _NAME_WIDTH for each in lines):
            return size, lines
    smallest = _NAME_SIZES[-1]
    pieces = [piece for part in _parts(name) for piece in _pieces(part, smallest, measure)]
    return smallest, _wrapped(pieces, smallest, measure)


def _parts(name: str) -> list[str]:
    """Where a line may end: before a blank, which begins its part, and after a hyphen."""
    return re.findall(r"\s?[^\s-]*-?", " ".join(name.split()))[:-1]


def _wrapped(parts: list[str], size: float, measure: Measure) -> list[str]:
    lines = [""]
    for part in parts:
        longer = f"{lines[-1]}{part}".strip()
        if lines[-1] and measure(longer, size) > _NAME_WIDTH:
            lines.append(part.strip())
        else:
            lines[-1] = longer
    return lines


def _pieces(part: str, size: float, measure: Measure) -> Iterator[str]:
    """A part as it is, or in pieces when it is wider than a line."""
    piece = ""
    for character in part:
        if piece and measure((piece + character).strip(), size) > _NAME_WIDTH:
            yield piece
            piece = ""
        piece += character
    yield piece
