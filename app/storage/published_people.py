"""People as the directory needs them, read many at once.

Four queries serve hundreds of people, so that reading a nation costs what its rows cost. The photo stands in
the middle of a person's row: what lies behind it is not asked for, or every photo would be read over.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Row, Select, Text, bindparam, cast, select
from sqlalchemy.sql import ColumnElement

from app.domain.person import PersonStatus
from app.domain.professional_registration import ProfessionalBody, ProfessionalRegistration
from app.storage.tables.access import organisation_person, role_profile
from app.storage.tables.people import person, professional_registration

AT_ONCE = 400
"""With more, rows leave the processor's cache, and the garbage collector looks over them again and again."""

_NAMES = [person.c[name] for name in ("uid", "title", "given_name", "middle_names", "family_name", "status")]
_PLACE = [
    organisation_person.c[name] for name in ("uid", "id", "organisation_code", "opened_on", "closed_on")
]
_PROFILE = [
    role_profile.c.organisation_person_id,
    role_profile.c.id,
    role_profile.c.job_role_code,
    # As text: the few lists that there are are read once, not once for each role profile.
    cast(role_profile.c.activity_codes, Text),
    cast(role_profile.c.workgroups, Text),
    role_profile.c.starts_on,
    role_profile.c.ends_on,
    role_profile.c.withdrawn_at,
]
_REGISTRATION = [professional_registration.c[name] for name in ("uid", "body", "number")]

_Whose = Callable[[Column[str]], ColumnElement[bool]]
"""Whose rows: the condition on a table's column ``uid``."""

_Chosen = Select[*tuple[Any, ...]]
_AnyRow = Row[*tuple[Any, ...]]
_Values = Mapping[str, object]


def _people(whose: _Whose) -> _Chosen:
    return select(*_NAMES).where(whose(person.c.uid)).order_by(person.c.uid).limit(AT_ONCE)


class _Access:
    """The statements for what people have besides their names, made once."""

    def __init__(self, whose: _Whose) -> None:
        registered, place, profile = professional_registration.c, organisation_person.c, role_profile.c
        self.registrations: _Chosen = select(*_REGISTRATION).where(whose(registered.uid))
        self.registrations = self.registrations.order_by(registered.body)
        self.places: _Chosen = select(*_PLACE).where(whose(place.uid)).order_by(place.organisation_code)
        self.profiles: _Chosen = select(*_PROFILE).where(whose(profile.uid))
        self.profiles = self.profiles.order_by(profile.starts_on, profile.id)


def _are_these(uid: Column[str]) -> ColumnElement[bool]:
    return uid.in_(bindparam("uids", expanding=True))


_THESE, _ACCESS_OF_THESE = _people(_are_these), _Access(_are_these)
_NEXT = _people(lambda uid: uid > bindparam("after"))
_ACCESS_BETWEEN = _Access(lambda uid: uid.between(bindparam("first"), bindparam("last")))


class PublishedProfile(NamedTuple):
    """A role profile, as ``RoleProfile`` describes it."""

    id: str
    job_role_code: str
    activity_codes: tuple[str, ...]
    workgroups: tuple[str, ...]
    starts_on: date
    ends_on: date | None
    withdrawn_at: datetime | None


class PublishedPlace(NamedTuple):
    """A place in an organisation, as ``OrganisationPerson`` describes it, with its profiles, oldest first."""

    id: str
    organisation_code: str
    opened_on: date
    closed_on: date | None
    profiles: Sequence[PublishedProfile]


class PublishedPerson(NamedTuple):
    """What of a person others may see, with every place and role profile, past and future ones too.

    Attributes:
        places: by organisation code.
    """

    uid: str
    title: str
    given_name: str
    middle_names: str
    family_name: str
    status: PersonStatus
    registrations: Sequence[ProfessionalRegistration]
    places: Sequence[PublishedPlace]


class PublishedPeople:
    """Reads people for the directory."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, uids: Collection[str]) -> list[PublishedPerson]:
        """The people with these ids, in order of the ids; who is not known is left out."""
        these = {"uids": list(uids)}
        return self._with_access(self._rows(_THESE, these), _ACCESS_OF_THESE, these)

    def batches(self) -> Iterator[list[PublishedPerson]]:
        """Everybody in order of the ids, some hundred at once."""
        after = ""
        while rows := self._rows(_NEXT, {"after": after}):
            first, after = rows[0].uid, rows[-1].uid
            yield self._with_access(rows, _ACCESS_BETWEEN, {"first": first, "last": after})

    def _rows(self, chosen: _Chosen, values: _Values) -> Sequence[_AnyRow]:
        return self._connection.execute(chosen, values).all()

    def _with_access(
        self, rows: Sequence[_AnyRow], access: _Access, values: _Values
    ) -> list[PublishedPerson]:
        registrations = self._registrations(access.registrations, values)
        places = self._places(access, values)
        return [
            PublishedPerson(
                *(uid, title, given_name, middle_names, family_name, _STATUS[status]),
                *(registrations.get(uid, ()), places.get(uid, ())),
            )
            for uid, title, given_name, middle_names, family_name, status in rows
        ]

    def _registrations(self, chosen: _Chosen, values: _Values) -> dict[str, list[ProfessionalRegistration]]:
        found = defaultdict(list)
        for uid, body, number in self._rows(chosen, values):
            found[uid].append(ProfessionalRegistration(ProfessionalBody(body), number))
        return found

    def _places(self, access: _Access, values: _Values) -> dict[str, list[PublishedPlace]]:
        profiles = self._profiles(access.profiles, values)
        found = defaultdict(list)
        for uid, place, code, opened_on, closed_on in self._rows(access.places, values):
            held = profiles.get(place, ())
            found[uid].append(PublishedPlace(place, code, opened_on, closed_on, held))
        return found

    def _profiles(self, chosen: _Chosen, values: _Values) -> dict[str, list[PublishedProfile]]:
        """By the id of the place."""
        found = defaultdict(list)
        for place, profile, job_role, activities, workgroups, *period in self._rows(chosen, values):
            lists = _codes(activities), _codes(workgroups)
            found[place].append(PublishedProfile(profile, job_role, *lists, *period))
        return found


_STATUS = {status.value: status for status in PersonStatus}


@lru_cache(1 << 14)
def _codes(listed: str) -> tuple[str, ...]:
    return tuple(json.loads(listed))
