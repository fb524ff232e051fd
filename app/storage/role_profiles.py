"""Role profiles and people's places in organisations, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from app.domain.role_profile import OrganisationPerson, RoleProfile
from app.storage.prepared import Prepared
from app.storage.tables import access as tables

_place, _profile = tables.organisation_person, tables.role_profile

# The one row of the founding table.
FOUNDING_ID = 1
_AT_ONCE = 1000

_BY_ID = select(_profile).where(_profile.c.id == bindparam("id"))
_BY_ID_TO_CHANGE = _BY_ID.with_for_update()
_OF_PERSON = Prepared(
    select(_profile).where(_profile.c.uid == bindparam("uid")).order_by(_profile.c.starts_on, _profile.c.id)
)


class RoleProfiles:
    """What people may do, where, and from when to when."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_organisation_person(self, place: OrganisationPerson) -> None:
        """Keep a person's place in an organisation."""
        self._connection.execute(
            insert(_place).values(
                id=place.id,
                uid=place.uid,
                organisation_code=place.organisation_code,
                opened_on=place.opened_on,
                closed_on=place.closed_on,
            )
        )

    def organisation_person(self, uid: str, organisation_code: str) -> OrganisationPerson | None:
        """The person's place in the organisation."""
        chosen = select(_place).where(_place.c.uid == uid, _place.c.organisation_code == organisation_code)
        row = self._connection.execute(chosen).one_or_none()
        return _place_of(row) if row else None

    def organisation_persons(self, uid: str) -> list[OrganisationPerson]:
        """Every place of a person, by organisation code."""
        chosen = select(_place).where(_place.c.uid == uid).order_by(_place.c.organisation_code)
        return [_place_of(row) for row in self._connection.execute(chosen)]

    def grant(self, profile: RoleProfile, request_id: str, at: datetime) -> None:
        """Keep a role profile that a granted request gives."""
        self._add(profile, at, request_id=request_id, request_status="granted")

    def found(self, profile: RoleProfile, at: datetime) -> None:
        """Keep a role profile that the founding ceremony gives."""
        self._add(profile, at, founding_id=FOUNDING_ID)

    def _add(self, profile: RoleProfile, at: datetime, **origin: object) -> None:
        self._connection.execute(insert(_profile).values(**row_of(profile), granted_at=at, **origin))

    def get(self, role_profile_id: str) -> RoleProfile | None:
        """The role profile with this id, whether it counts or not."""
        row = self._connection.execute(_BY_ID, {"id": role_profile_id}).one_or_none()
        return _profile_of(row) if row else None

    def get_to_withdraw(self, role_profile_id: str) -> RoleProfile | None:
        """The same, locked until the transaction ends."""
        row = self._connection.execute(_BY_ID_TO_CHANGE, {"id": role_profile_id}).one_or_none()
        return _profile_of(row) if row else None

    def withdraw(self, role_profile_id: str, by: str, at: datetime) -> None:
        """It counts no more, whatever its last day is."""
        chosen = update(_profile).where(_profile.c.id == role_profile_id)
        self._connection.execute(chosen.values(withdrawn_at=at, withdrawn_by=by))

    def places(self, role_profile_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """User id and organisation-person id of each known role profile."""
        columns = (_profile.c.id, _profile.c.uid, _profile.c.organisation_person_id)
        found = {}
        for start in range(0, len(role_profile_ids), _AT_ONCE):
            some = role_profile_ids[start : start + _AT_ONCE]
            for role, uid, place in self._connection.execute(select(*columns).where(_profile.c.id.in_(some))):
                found[role] = (uid, place)
        return found

    def of(self, uid: str) -> list[RoleProfile]:
        """Every role profile of a person, past, present and future, oldest first."""
        return [_profile_of(row) for row in _OF_PERSON.rows(self._connection, {"uid": uid})]

    def counting(self, uid: str, on: date) -> list[RoleProfile]:
        """The role profiles of a person that give access on that day, oldest first."""
        return [profile for profile in self.of(uid) if profile.counts_on(on)]


def row_of(profile: RoleProfile) -> dict[str, object]:
    """What the role profile itself decides of its row."""
    row = {name: getattr(profile, name) for name in RoleProfile.__dataclass_fields__}
    return row | {"activity_codes": list(profile.activity_codes), "workgroups": list(profile.workgroups)}


def _profile_of(row: Any) -> RoleProfile:
    fields = {name: getattr(row, name) for name in RoleProfile.__dataclass_fields__}
    fields |= {name: tuple(fields[name]) for name in ("activity_codes", "workgroups")}
    return RoleProfile(**fields)


def _place_of(row: Row[tuple[object, ...]]) -> OrganisationPerson:
    return OrganisationPerson(
        **{name: row._mapping[name] for name in OrganisationPerson.__dataclass_fields__}
    )
