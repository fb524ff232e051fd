"""Places for cards."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from app.domain.stock import Place
from app.storage.stock import place_of
from app.storage.tables.stock import stock_place as _place


class StockPlaces:
    """Stores and desks, and the fixed places of every ledger."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, place: Place) -> None:
        """Keep a new place."""
        self._connection.execute(
            insert(_place).values(
                id=place.id,
                kind=place.kind.value,
                name=place.name,
                organisation_code=place.organisation_code,
                low_at=place.low_at,
            )
        )

    def get(self, place_id: str) -> Place | None:
        """The place with this id."""
        row = self._connection.execute(select(_place).where(_place.c.id == place_id)).one_or_none()
        return place_of(row) if row else None

    def all(self) -> list[Place]:
        """Every place, by name."""
        return [place_of(row) for row in self._connection.execute(select(_place).order_by(_place.c.name))]

    def warn_at(self, place_id: str, low_at: int) -> None:
        """Set with how few blank cards the place is low."""
        self._connection.execute(update(_place).where(_place.c.id == place_id).values(low_at=low_at))
