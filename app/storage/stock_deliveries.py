"""Deliveries of cards: the lists that were handed in, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from app.domain.actor import Actor
from app.domain.stock_delivery import (
    DeliveredCard,
    Delivery,
    DeliveryStatus,
    DeliverySummary,
    RefusedLine,
)
from app.storage.tables.stock import stock_delivery as _delivery

_SAME = (
    "id", "file_name", "digest", "supplier", "place_id", "handed_in_by", "handed_in_at", "decided_by",
    "decided_at",
)  # fmt: skip


class StockDeliveries:
    """Deliveries, the newest first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, delivery: Delivery) -> None:
        """Keep a list that was handed in."""
        self._connection.execute(
            insert(_delivery).values(
                **{name: getattr(delivery, name) for name in _SAME},
                status=delivery.status.value,
                cards=_rows(delivery.cards),
                refused=_rows(delivery.refused),
            )
        )

    def get(self, delivery_id: str) -> Delivery | None:
        """The delivery with this id."""
        row = self._connection.execute(self._chosen(delivery_id)).one_or_none()
        return _delivery_of(row) if row else None

    def get_to_decide(self, delivery_id: str) -> Delivery | None:
        """The delivery with this id; nobody else can decide on it until this transaction ends."""
        row = self._connection.execute(self._chosen(delivery_id).with_for_update()).one_or_none()
        return _delivery_of(row) if row else None

    def newest(self, limit: int) -> list[DeliverySummary]:
        """The newest deliveries; their cards are counted in the database, for there may be thousands each."""
        chosen = (
            select(
                *(_delivery.c[name] for name in ("id", "file_name", "supplier", "status", "handed_in_at")),
                func.json_array_length(_delivery.c.cards).label("cards"),
                func.json_array_length(_delivery.c.refused).label("refused"),
            )
            .order_by(_delivery.c.handed_in_at.desc(), _delivery.c.id)
            .limit(limit)
        )
        return [
            DeliverySummary(**{**row._mapping, "status": DeliveryStatus(row.status)})
            for row in self._connection.execute(chosen)
        ]

    def decide(
        self,
        delivery_id: str,
        status: DeliveryStatus,
        by: Actor,
        at: datetime,
        cards: Sequence[DeliveredCard],
        refused: Sequence[RefusedLine],
    ) -> None:
        """Keep what became of it, with the cards that were loaded and the lines that were not."""
        self._connection.execute(
            update(_delivery)
            .where(_delivery.c.id == delivery_id)
            .values(
                status=status.value,
                decided_by=by.uid,
                decided_role_profile=by.role_profile_id,
                decided_at=at,
                cards=_rows(cards),
                refused=_rows(refused),
            )
        )

    def _chosen(self, delivery_id: str) -> Any:
        return select(_delivery).where(_delivery.c.id == delivery_id)


def _rows(values: Sequence[DeliveredCard] | Sequence[RefusedLine]) -> list[list[object]]:
    return [list(vars(each).values()) for each in values]


def _delivery_of(row: Row[Any]) -> Delivery:
    fields = row._mapping
    return Delivery(
        **{name: fields[name] for name in _SAME},
        status=DeliveryStatus(fields["status"]),
        cards=tuple(DeliveredCard(*each) for each in fields["cards"]),
        refused=tuple(RefusedLine(*each) for each in fields["refused"]),
    )
