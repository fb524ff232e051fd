"""What the people search shows."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.person import PersonSummary
from app.ra.records import PeopleFound
from app.web.presenters.states import person_tag
from app.web.presenters.wording import Cell, TableOf, counted, day_cell, grouped


@dataclass(frozen=True)
class PeopleSearchPage:
    """The result of a search; registering somebody new is offered only after one."""

    table: TableOf | None
    notice: str | None
    register_href: str

    @classmethod
    def of(cls, actor: Actor, text: str, found: PeopleFound | None) -> PeopleSearchPage:
        """The page for what was typed; ``found`` is None before the first search."""
        if found is None:
            return cls(None, None, "")
        may_register = Permission.REGISTER_PERSON in actor.permissions
        href = f"/people/register?{urlencode({'name': text})}" if may_register else ""
        return cls(people_table(found.people, _caption(found, text)), found.notice, href)


def _caption(found: PeopleFound, text: str) -> str:
    return f"{counted(len(found.people), 'person', 'people')} found for “{text}”"


def people_table(people: list[PersonSummary], caption: str) -> TableOf:
    """People in a table; when one says why it is a possible duplicate, so does a column."""
    shows_why = any(person.why for person in people)
    heads = ("Name", "User id (UUID)", "Date of birth", "E-mail", "State")
    return TableOf(
        caption,
        (*heads, "Why") if shows_why else heads,
        tuple(_person_row(person, shows_why) for person in people),
        when_empty="Check the spelling, or search for the beginning of the name.",
    )


def _person_row(person: PersonSummary, shows_why: bool) -> tuple[Cell, ...]:
    cells = (
        Cell(person.name, href=f"/people/{person.uid}"),
        Cell(grouped(person.uid)),
        day_cell(person.date_of_birth),
        Cell(person.email),
        Cell(tag=person_tag(person.status)),
    )
    return (*cells, Cell(person.why.capitalize())) if shows_why else cells
