"""What the pages of organisations that close show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.ra.closing_organisations import ClosingRecord, ClosingSummary
from app.web.presenters.wording import Cell, Row, TableOf, Tag, counted, day, day_cell, period


def closings_table(closings: Sequence[ClosingSummary], today: date) -> TableOf:
    """Organisations that close while people have access there."""
    return TableOf(
        "Organisations that close",
        ("Organisation", "Last day", "Would end", "State"),
        tuple(
            (
                Cell(
                    f"{each.organisation_name} ({each.closing.organisation_code})",
                    href=f"/closing-organisations/{each.closing.id}",
                ),
                day_cell(each.closing.closes_on),
                Cell(_would_end(each)),
                Cell(tag=_tag(each, today)),
            )
            for each in closings
        ),
        when_empty="No organisation closes where people still have access.",
    )


def _would_end(closing: ClosingSummary) -> str:
    roles, people = counted(closing.role_profiles, "role"), counted(closing.people, "person", "people")
    return f"{roles} of {people}, {counted(closing.positions, 'position')}"


def _tag(closing: ClosingSummary, today: date) -> Tag:
    if closing.closing.waits_on(today):
        return Tag("To decide", "yellow")
    return Tag(f"Postponed to {day(closing.closing.not_before)}", "grey")


@dataclass(frozen=True)
class ClosingPage:
    """One organisation that closes: what would end, and what can be decided."""

    heading: str
    href: str
    details: tuple[Row, ...]
    roles: TableOf
    positions: TableOf
    decisions: list[dict[str, str]]
    successor_code: str

    @classmethod
    def of(cls, record: ClosingRecord) -> ClosingPage:
        """The page of a closing."""
        closing, organisation = record.closing, record.organisation
        return cls(
            heading=f"{organisation.name} closes",
            href=f"/closing-organisations/{closing.id}",
            details=_details(record),
            roles=_roles(record),
            positions=_positions(record),
            decisions=_decisions(record),
            successor_code=record.successor.code if record.successor else "",
        )


def _details(record: ClosingRecord) -> tuple[Row, ...]:
    closing, organisation, successor = record.closing, record.organisation, record.successor
    rows = (
        Row(
            "Organisation",
            f"{organisation.name} ({organisation.code})",
            href=f"/organisations/{organisation.code}",
        ),
        Row("Last day", day(closing.closes_on)),
        Row("Succeeded by", f"{successor.name} ({successor.code})" if successor else "Not known"),
        Row("Postponed to", day(closing.not_before)),
        Row("Why", closing.note),
    )
    return tuple(row for row in rows if row.value)


def _roles(record: ClosingRecord) -> TableOf:
    rows = tuple(
        (
            Cell(each.holder.name, href=f"/people/{each.holder.uid}"),
            Cell(each.position_name),
            Cell(each.profile.job_role_code),
            Cell(period(each.profile.starts_on, each.profile.ends_on)),
        )
        for each in record.roles
    )
    heads = ("Person", "Position", "Job role", "Access now")
    return TableOf("Access that would end", heads, rows, "Nobody's access goes on after the last day.")


def _positions(record: ClosingRecord) -> TableOf:
    rows = tuple((Cell(each.name, href=f"/positions/{each.id}"),) for each in record.positions)
    return TableOf("Positions that would close", ("Position",), rows, "No position is open.")


def _decisions(record: ClosingRecord) -> list[dict[str, str]]:
    last_day, people = day(record.closing.closes_on), len({each.holder.uid for each in record.roles})
    return [
        {
            "value": "end",
            "text": f"End access on {last_day}",
            "hint": f"For {counted(people, 'person', 'people')}.",
        },
        {
            "value": "hand_on",
            "text": "Hand the positions on to another organisation",
            "hint": "They open there, everybody's access is asked for there, and a colleague grants it."
            " Here it ends.",
        },
        {"value": "postpone", "text": "Decide later", "hint": "Access goes on until then."},
    ]
