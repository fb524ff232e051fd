"""Rows of records that were taken over from another directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from app.domain.organisation import Organisation
from app.domain.role_profile import OrganisationPerson, RoleProfile
from app.ra.mapping_old_entries import MigratedPerson
from app.ra.migration_ports import Taken, Value
from app.storage.organisations import row_of as organisation_row
from app.storage.people import person_row
from app.storage.role_profiles import row_of as role_profile_row
from app.storage.systems import row_of as system_row

Row = dict[str, object]


class RowsOf:
    """Makes the rows; all of a table's columns that the record decides, and none besides."""

    def __init__(self, migration_id: int, now: datetime) -> None:
        self._migration_id = migration_id
        self._now = now

    def row(self, value: Value) -> Row:
        """The row in the record's own table."""
        match value:
            case Organisation():
                return organisation_row(value, self._now)
            case MigratedPerson(person=person):
                return person_row(person, photo=b"")
            case OrganisationPerson():
                return asdict(value)
            case RoleProfile():
                return role_profile_row(value) | {"migration_id": self._migration_id, "granted_at": self._now}
            case _:
                return system_row(value)

    def registrations(self, taken: Sequence[Taken]) -> list[Row]:
        """The rows of people's professional numbers."""
        people = [each.value for each in taken if isinstance(each.value, MigratedPerson)]
        return [
            {"uid": each.person.uid, "body": number.body.value, "number": number.number}
            for each in people
            for number in each.registrations
        ]
