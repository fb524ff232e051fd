"""What the pages show on which the people of a batch are chosen and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.domain.batch_list import LeftOut
from app.ra.choosing_people import ChosenPerson, PeopleChecked
from app.web.forms.submitted import SubmittedForm
from app.web.presenters.wording import Cell, Row, TableOf, counted, day, grouped

AT_DESK = "at-desk"
WAYS: list[dict[str, Any]] = [
    {
        "value": "locked",
        "text": "Locked, for later",
        "hint": {"text": "Nobody needs to be there. Each person chooses a PIN when their card is unlocked."},
    },
    {
        "value": AT_DESK,
        "text": "With the holders at the desk",
        "hint": {"text": "They come one after another, and each chooses the PIN of their card there."},
    },
]
_CARRIED = ("title", "way", "people", "usable_from-day", "usable_from-month", "usable_from-year")


@dataclass(frozen=True)
class PeoplePage:
    """A list that was checked: who gets a card, who does not and why, and what the form carries on.

    Attributes:
        begin: what the button says; empty when nobody of the list can have a card.
    """

    message: str
    notice: str
    begin: str
    carried: tuple[tuple[str, str], ...]
    shown: str
    details: tuple[Row, ...]
    left_out: TableOf | None
    people: TableOf

    @classmethod
    def of(
        cls, form: SubmittedForm, first_day: date | None, checked: PeopleChecked, notice: str
    ) -> PeoplePage:
        """The page of a list as it was checked just now."""
        number, lines = len(checked.people), len(checked.left_out)
        way = next((each["text"] for each in WAYS if each["value"] == form.value("way")), WAYS[0]["text"])
        rows = (
            Row("Name of the batch", form.value("title")),
            Row("How the cards are issued", way),
            Row("Can be used from", day(first_day)),
        )
        return cls(
            message=_message(number, lines),
            notice=notice,
            begin=f"Begin with {counted(number, 'person', 'people')}" if number else "",
            carried=tuple((name, form.value(name)) for name in _CARRIED),
            shown=checked.fingerprint,
            details=tuple(row for row in rows if row.value),
            left_out=left_out_table(checked.left_out) if lines else None,
            people=_people_table(checked.people),
        )


@dataclass(frozen=True)
class ChoosePage:
    """People who were found: those who can be ticked, and those who can have no card."""

    message: str
    are_ticked: bool
    people: tuple[ChosenPerson, ...]
    left_out: TableOf | None

    @classmethod
    def of(cls, found: PeopleChecked, organisation_code: str) -> ChoosePage:
        """The page of what was found; everybody of an organisation is ticked, those found by name are not."""
        number = len(found.people)
        where = f"with a position at {organisation_code} and no card" if organisation_code else "found"
        more = " There are more: begin with these, then look again." if found.are_more else ""
        return cls(
            message=f"{counted(number, 'person', 'people')} {where}.{more}",
            are_ticked=bool(organisation_code),
            people=found.people,
            left_out=left_out_table(found.left_out) if found.left_out else None,
        )


def _message(number: int, lines: int) -> str:
    gets = "1 person gets a card." if number == 1 else f"{number} people get a card."
    if not number:
        gets = "Nobody in this list can have a card."
    if not lines:
        return gets
    are = "is" if lines == 1 else "are"
    return f"{gets} {counted(lines, 'line')} of the list {are} left out; see why below."


def left_out_table(left_out: Sequence[LeftOut], caption: str = "Left out") -> TableOf:
    """The lines for which no card is made."""
    rows = tuple(
        (Cell(str(each.line)), Cell(each.text), Cell(each.name), Cell(each.reason)) for each in left_out
    )
    return TableOf(caption, ("Line", "Begins with", "Person", "Why"), rows)


def _people_table(people: Sequence[ChosenPerson]) -> TableOf:
    rows = tuple(
        (
            Cell(str(each.line)),
            Cell(each.person.name, href=f"/people/{each.person.uid}"),
            Cell(grouped(each.person.uid)),
        )
        for each in people
    )
    return TableOf("Who gets a card", ("Line", "Name", "User id (UUID)"), rows, "Nobody.")
