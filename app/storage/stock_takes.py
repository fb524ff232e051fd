"""Stock-takes, and the serial numbers that were counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from app.domain.stock_take import StockTake, StockTakeAlreadyOpen, TakeStatus
from app.storage.conflicts import conflict_means
from app.storage.tables.stock import stock_count as _count
from app.storage.tables.stock import stock_take as _take


class StockTakes:
    """Counts of the cards at places, the newest first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, take: StockTake, role_profile: str | None) -> None:
        """Begin a count.

        Raises:
            StockTakeAlreadyOpen
        """
        fields = {name: getattr(take, name) for name in StockTake.__dataclass_fields__}
        values = {**fields, "status": take.status.value, "counted_role_profile": role_profile}
        with conflict_means(StockTakeAlreadyOpen("Somebody counts at this place already.")):
            self._connection.execute(insert(_take).values(values))

    def get(self, take_id: str) -> StockTake | None:
        """The stock-take with this id."""
        row = self._connection.execute(self._chosen(take_id)).one_or_none()
        return _take_of(row) if row else None

    def get_to_change(self, take_id: str) -> StockTake | None:
        """The stock-take with this id, locked until the transaction ends."""
        row = self._connection.execute(self._chosen(take_id).with_for_update()).one_or_none()
        return _take_of(row) if row else None

    def newest(self, limit: int) -> list[StockTake]:
        """The newest stock-takes."""
        chosen = select(_take).order_by(_take.c.begun_at.desc(), _take.c.id).limit(limit)
        return [_take_of(row) for row in self._connection.execute(chosen)]

    def count(self, take_id: str, serials: Iterable[str], at: datetime) -> int:
        """Note serial numbers that were seen; how many of them are new."""
        new = sorted(set(serials) - set(self.counted(take_id)))
        rows = [{"stock_take_id": take_id, "serial": serial, "counted_at": at} for serial in new]
        if rows:
            self._connection.execute(insert(_count), rows)
        return len(rows)

    def uncount(self, take_id: str, serial: str) -> None:
        """Forget a serial number that was entered by mistake."""
        self._connection.execute(
            delete(_count).where(_count.c.stock_take_id == take_id, _count.c.serial == serial)
        )

    def counted(self, take_id: str) -> list[str]:
        """The serial numbers that were seen, in their order."""
        chosen = select(_count.c.serial).where(_count.c.stock_take_id == take_id).order_by(_count.c.serial)
        return list(self._connection.scalars(chosen))

    def end(self, take_id: str, status: TakeStatus, at: datetime, expected: int | None) -> None:
        """End the count."""
        ended = update(_take).where(_take.c.id == take_id)
        self._connection.execute(ended.values(status=status.value, closed_at=at, expected=expected))

    def _chosen(self, take_id: str) -> Any:
        return select(_take).where(_take.c.id == take_id)


def _take_of(row: Row[Any]) -> StockTake:
    fields = {name: row._mapping[name] for name in StockTake.__dataclass_fields__}
    return StockTake(**{**fields, "status": TakeStatus(fields["status"])})
