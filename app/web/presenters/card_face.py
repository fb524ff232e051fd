"""How a card face is shown before it is printed: two pictures of the card's size, as SVG."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.card_face import HEIGHT, PHOTO, REPRINT_REASONS, WIDTH, Line, Sides
from app.ra.printing_cards import CardPreview
from app.web.presenters.wording import Cell, TableOf, moment_cell, sentence

_POINT = 25.4 / 72
_SIDES = {Sides.BOTH: "Front and back", Sides.FRONT: "Front only", Sides.BACK: "Back only"}


@dataclass(frozen=True)
class LineShown:
    """A line of text in millimetres: where its base line is, how large it is, and where it is anchored."""

    text: str
    x: float
    y: float
    size: float
    anchor: str


@dataclass(frozen=True)
class CardFacePage:
    """Front and back, whether it can be printed, and when it was."""

    href: str
    photo: str
    front: tuple[LineShown, ...]
    back: tuple[LineShown, ...]
    front_said: str
    back_said: str
    problem: str
    is_reprint: bool
    sides: list[dict[str, str]]
    reasons: list[dict[str, str]]
    printings: TableOf

    @classmethod
    def of(cls, preview: CardPreview) -> CardFacePage:
        """The page of a card's face."""
        face, layout = preview.face, preview.layout
        back = ", ".join(line.text for line in layout.back)
        return cls(
            href=f"/people/{face.uid}/cards/{face.serial}/print",
            photo=f"/people/{face.uid}/photo" if face.photo else "",
            front=tuple(_shown(line) for line in layout.front),
            back=tuple(_shown(line) for line in layout.back),
            front_said=f"Front: photo, name {face.name}, user id {face.uid}",
            back_said=f"Back: {back}",
            problem=preview.problem,
            is_reprint=bool(preview.printings),
            sides=[{"value": each.value, "text": text} for each, text in _SIDES.items()],
            reasons=[{"value": value, "text": text} for value, text in REPRINT_REASONS.items()],
            printings=_printings(preview),
        )

    @property
    def box(self) -> str:
        """The card in the pictures' own units, millimetres."""
        return f"0 0 {WIDTH} {HEIGHT}"

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """Where the photo is."""
        return PHOTO


def _shown(line: Line) -> LineShown:
    x = line.left + (line.width / 2 if line.is_centred else 0)
    size = round(line.size * _POINT, 2)
    anchor = "middle" if line.is_centred else "start"
    return LineShown(line.text, round(x, 2), round(line.base, 2), size, anchor)


def _printings(preview: CardPreview) -> TableOf:
    rows = tuple(
        (
            moment_cell(each.printed_at),
            Cell(_SIDES[each.sides]),
            Cell(preview.names.get(each.printed_by, each.printed_by)),
            Cell(REPRINT_REASONS.get(each.reason, sentence(each.reason)) if each.reason else "First print"),
            Cell(each.note),
        )
        for each in preview.printings
    )
    return TableOf(
        "Printed", ("When", "Sides", "By", "Why", "Note"), rows, "This card has not been printed yet."
    )
