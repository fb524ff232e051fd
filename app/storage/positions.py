"""Positions in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.sql import ColumnElement

from app.domain.position import AccessProfile, Approval, Position, PositionStatus
from app.errors import InvalidInput
from app.storage.conflicts import conflict_means
from app.storage.tables import access as tables

_position, _profile = tables.position, tables.position_access_profile


class Positions:
    """Positions and their access profiles."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, position: Position) -> None:
        """Keep a new position.

        Raises:
            InvalidInput: under ``name``, when the organisation has an open position of that name.
        """
        taken = InvalidInput({"name": "This organisation has a position of that name. Choose another."})
        with conflict_means(taken):
            self._connection.execute(insert(_position).values(_position_row(position)))
        for profile in position.access_profiles:
            self._connection.execute(insert(_profile).values(_profile_row(position.id, profile)))

    def get(self, position_id: str) -> Position | None:
        """The position with this id."""
        return next(iter(self._select(_position.c.id == position_id)), None)

    def at(self, organisation_code: str) -> list[Position]:
        """The open positions of an organisation, by name."""
        return self._select(_position.c.organisation_code == organisation_code, _position.c.status == "open")

    def workgroups(
        self, organisation_code: str = "", status: PositionStatus = PositionStatus.OPEN
    ) -> list[tuple[str, str]]:
        """Organisation code and name of each work group that positions in that state name, sorted.

        With an organisation code, those of that organisation alone.
        """
        chosen = select(_profile.c.organisation_code, _profile.c.workgroups).join_from(_profile, _position)
        here = [_profile.c.organisation_code == organisation_code] if organisation_code else []
        rows = self._connection.execute(chosen.where(_position.c.status == status.value, *here))
        return sorted({(row.organisation_code, name) for row in rows for name in row.workgroups})

    def names(self, position_ids: Sequence[str]) -> dict[str, str]:
        """The name of each known id."""
        chosen = select(_position.c.id, _position.c.name).where(_position.c.id.in_(position_ids))
        return {row.id: row.name for row in self._connection.execute(chosen)}

    def _select(self, *conditions: ColumnElement[bool]) -> list[Position]:
        rows = self._connection.execute(select(_position).where(*conditions).order_by(_position.c.name)).all()
        profiles = self._profiles_of([row.id for row in rows])
        return [_position_of(row, profiles[row.id]) for row in rows]

    def _profiles_of(self, position_ids: Sequence[str]) -> dict[str, list[AccessProfile]]:
        chosen = select(_profile).where(_profile.c.position_id.in_(position_ids)).order_by(_profile.c.id)
        profiles: dict[str, list[AccessProfile]] = defaultdict(list)
        for row in self._connection.execute(chosen):
            profiles[row.position_id].append(
                AccessProfile(
                    row.job_role_code, tuple(row.activity_codes), tuple(row.workgroups), row.organisation_code
                )
            )
        return profiles


def _position_row(position: Position) -> dict[str, object]:
    return {
        "id": position.id,
        "organisation_code": position.organisation_code,
        "name": position.name,
        "notes": position.notes,
        "approved_by": position.approval.approved_by,
        "approved_on": position.approval.approved_on,
        "approval_reference": position.approval.reference,
        "status": position.status.value,
        "created_by": position.created_by,
        "created_at": position.created_at,
    }


def _profile_row(position_id: str, profile: AccessProfile) -> dict[str, object]:
    return {
        "position_id": position_id,
        "organisation_code": profile.organisation_code,
        "job_role_code": profile.job_role_code,
        "activity_codes": list(profile.activity_codes),
        "workgroups": list(profile.workgroups),
    }


def _position_of(row: Row[tuple[object, ...]], profiles: Sequence[AccessProfile]) -> Position:
    fields = row._mapping
    return Position(
        id=fields["id"],
        organisation_code=fields["organisation_code"],
        name=fields["name"],
        notes=fields["notes"],
        access_profiles=tuple(profiles),
        approval=Approval(fields["approved_by"], fields["approved_on"], fields["approval_reference"]),
        status=PositionStatus(fields["status"]),
        created_by=fields["created_by"],
        created_at=fields["created_at"],
    )
