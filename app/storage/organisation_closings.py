"""Organisations that close, in the database, and the access that hangs on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from app.domain.organisation_closing import Closing, ClosingStatus
from app.domain.position import PositionStatus
from app.storage.tables import access
from app.storage.tables.organisation_loads import organisation_closing

_closing, _profile, _position = organisation_closing, access.role_profile, access.position
_DECISION = ("not_before", "decided_by", "decided_at", "note", "successor_code")
_COLUMNS = [_closing.c[name] for name in Closing.__dataclass_fields__]


class OrganisationClosings:
    """Closings, and which role profiles and positions they are about."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def with_access(self, last_days: dict[str, date]) -> set[str]:
        """Those of the organisations where positions are open or role profiles go on after their last day."""
        codes = list(last_days)
        open_ones = select(_position.c.organisation_code).where(
            _position.c.organisation_code.in_(codes), _position.c.status == PositionStatus.OPEN.value
        )
        going_on = select(
            _profile.c.organisation_code, func.max(_profile.c.ends_on), _goes_on_for_ever()
        ).where(_profile.c.organisation_code.in_(codes), _profile.c.withdrawn_at.is_(None))
        found = set(self._connection.scalars(open_ones))
        for code, latest, for_ever in self._connection.execute(
            going_on.group_by(_profile.c.organisation_code)
        ):
            if for_ever or latest > last_days[code]:
                found.add(code)
        return found

    def open(self, closing: Closing) -> None:
        """Keep a new one, or the new last day of the one that is open for the organisation."""
        changed = (
            update(_closing).where(*_open(closing.organisation_code)).values(closes_on=closing.closes_on)
        )
        if self._connection.execute(changed).rowcount == 0:
            row = {name: getattr(closing, name) for name in Closing.__dataclass_fields__}
            self._connection.execute(insert(_closing).values(**row | {"status": closing.status.value}))

    def reopen(self, organisation_codes: Collection[str]) -> None:
        """The organisations are open again, so there is nothing to decide."""
        open_ones = _closing.c.organisation_code.in_(organisation_codes), _closing.c.status == "open"
        self._connection.execute(
            update(_closing).where(*open_ones).values(status=ClosingStatus.REOPENED.value)
        )

    def get_to_change(self, closing_id: str) -> Closing | None:
        """The closing with this id, locked until the transaction ends."""
        return self._one(_closing.c.id == closing_id, to_change=True)

    def get(self, closing_id: str) -> Closing | None:
        """The closing with this id."""
        return self._one(_closing.c.id == closing_id)

    def all_open(self) -> list[Closing]:
        """Those not decided yet, the one that closes first first."""
        chosen = select(*_COLUMNS).where(_closing.c.status == ClosingStatus.OPEN.value)
        rows = self._connection.execute(chosen.order_by(_closing.c.closes_on, _closing.c.organisation_code))
        return [_closing_of(row) for row in rows]

    def decide(self, closing: Closing, role_profile: str | None) -> None:
        """Keep what was decided, and in which role profile; postponed, it stays open."""
        values = {name: getattr(closing, name) for name in _DECISION}
        values |= {"status": closing.status.value, "decided_role_profile": role_profile}
        self._connection.execute(update(_closing).where(_closing.c.id == closing.id).values(**values))

    def role_profile_owners(self, organisation_code: str) -> list[str]:
        """Everybody with a role profile there that was not withdrawn, by user id."""
        chosen = select(_profile.c.uid).where(
            _profile.c.organisation_code == organisation_code, _profile.c.withdrawn_at.is_(None)
        )
        return list(self._connection.scalars(chosen.distinct().order_by(_profile.c.uid)))

    def end_role_profiles(self, ids: Sequence[str], on: date, withdrawn_at: datetime) -> None:
        """They end on that day; those that begin later are withdrawn, because they never count."""
        mine = _profile.c.id.in_(ids)
        begun = update(_profile).where(mine, _profile.c.starts_on <= on)
        self._connection.execute(begun.values(ends_on=on))
        later = update(_profile).where(mine, _profile.c.starts_on > on)
        self._connection.execute(later.values(withdrawn_at=withdrawn_at))

    def close_positions(self, ids: Sequence[str]) -> None:
        """Nobody can be given these positions any more."""
        chosen = update(_position).where(_position.c.id.in_(ids))
        self._connection.execute(chosen.values(status=PositionStatus.CLOSED.value))

    def _one(self, condition: ColumnElement[bool], *, to_change: bool = False) -> Closing | None:
        chosen = select(*_COLUMNS).where(condition)
        row = self._connection.execute(chosen.with_for_update() if to_change else chosen).one_or_none()
        return _closing_of(row) if row else None


def _goes_on_for_ever() -> ColumnElement[int]:
    return func.count().filter(_profile.c.ends_on.is_(None))


def _open(code: str) -> tuple[ColumnElement[bool], ...]:
    return _closing.c.organisation_code == code, _closing.c.status == ClosingStatus.OPEN.value


def _closing_of(row: Row[tuple[object, ...]]) -> Closing:
    fields = {name: row._mapping[name] for name in Closing.__dataclass_fields__}
    return Closing(**fields | {"status": ClosingStatus(fields["status"])})
