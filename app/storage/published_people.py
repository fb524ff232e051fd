"""People as the directory needs them, read many at once.

Four queries serve a thousand people, so that reading a nation costs what its rows cost. The photo stands in
the middle of a person's row: what lies behind it is not asked for, or every photo would be read over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Row, select
from sqlalchemy.sql import ColumnElement

from app.domain.person import PersonStatus
from app.domain.professional_registration import ProfessionalBody, ProfessionalRegistration
from app.domain.role_profile import OrganisationPerson, RoleProfile
from app.storage.tables.access import organisation_person, role_profile
from app.storage.tables.people import person, professional_registration

AT_ONCE = 1000

_NAMES = [person.c[name] for name in ("uid", "title", "given_name", "middle_names", "family_name", "status")]
_PLACE = [organisation_person.c[name] for name in OrganisationPerson.__dataclass_fields__]
_PROFILE = [role_profile.c[name] for name in RoleProfile.__dataclass_fields__]
_REGISTRATION = [professional_registration.c[name] for name in ("uid", "body", "number")]

_Whose = Callable[[Column[str]], ColumnElement[bool]]
"""Whose rows: the condition on a table's column ``uid``."""


@dataclass(frozen=True, slots=True)
class PublishedPerson:
    """What of a person others may see, with every place and role profile, past and future ones too.

    Attributes:
        places: by organisation code.
        profiles: oldest first.
    """

    uid: str
    title: str
    given_name: str
    middle_names: str
    family_name: str
    status: PersonStatus
    registrations: Sequence[ProfessionalRegistration]
    places: Sequence[OrganisationPerson]
    profiles: Sequence[RoleProfile]


class PublishedPeople:
    """Reads people for the directory."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, uids: Collection[str]) -> list[PublishedPerson]:
        """The people with these ids, in order of the ids; who is not known is left out."""
        return self._with_access(self._people(lambda uid: uid.in_(uids)), lambda uid: uid.in_(uids))

    def batches(self) -> Iterator[list[PublishedPerson]]:
        """Everybody in order of the ids, a thousand at once."""
        after = ""
        while rows := self._people(partial(_greater, after)):
            first, after = rows[0].uid, rows[-1].uid
            yield self._with_access(rows, partial(_between, first, after))

    def _people(self, whose: _Whose) -> list[Row[*tuple[Any, ...]]]:
        chosen = select(*_NAMES).where(whose(person.c.uid)).order_by(person.c.uid).limit(AT_ONCE)
        return list(self._connection.execute(chosen))

    def _with_access(self, rows: list[Row[*tuple[Any, ...]]], whose: _Whose) -> list[PublishedPerson]:
        registrations, places, profiles = (
            self._registrations(whose),
            self._places(whose),
            self._profiles(whose),
        )
        return [
            PublishedPerson(
                *(uid, title, given_name, middle_names, family_name, PersonStatus(status)),
                *(registrations.get(uid, ()), places.get(uid, ()), profiles.get(uid, ())),
            )
            for uid, title, given_name, middle_names, family_name, status in rows
        ]

    def _registrations(self, whose: _Whose) -> dict[str, list[ProfessionalRegistration]]:
        table, found = professional_registration.c, defaultdict(list)
        chosen = select(*_REGISTRATION).where(whose(table.uid)).order_by(table.body)
        for uid, body, number in self._connection.execute(chosen):
            found[uid].append(ProfessionalRegistration(ProfessionalBody(body), number))
        return found

    def _places(self, whose: _Whose) -> dict[str, list[OrganisationPerson]]:
        table, found = organisation_person.c, defaultdict(list)
        chosen = select(*_PLACE).where(whose(table.uid)).order_by(table.organisation_code)
        for row in self._connection.execute(chosen):
            found[row.uid].append(OrganisationPerson(*row))
        return found

    def _profiles(self, whose: _Whose) -> dict[str, list[RoleProfile]]:
        table, found = role_profile.c, defaultdict(list)
        chosen = select(*_PROFILE).where(whose(table.uid)).order_by(table.starts_on, table.id)
        for row in self._connection.execute(chosen):
            found[row.uid].append(_profile(*row))
        return found


def _greater(than: str, uid: Column[str]) -> ColumnElement[bool]:
    return uid > than


def _between(first: str, last: str, uid: Column[str]) -> ColumnElement[bool]:
    return uid.between(first, last)


def _profile(*columns: Any) -> RoleProfile:
    """The two lists come from the database as lists, and a role profile's are tuples."""
    named = dict(zip(RoleProfile.__dataclass_fields__, columns, strict=True))
    named["activity_codes"], named["workgroups"] = tuple(named["activity_codes"]), tuple(named["workgroups"])
    return RoleProfile(**named)
