"""Batches of cards in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, exists, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.batch_list import LeftOut
from app.domain.card import LIVE
from app.domain.card_batch import BatchItem, CardBatch
from app.domain.issuance import IssuanceStatus
from app.storage.desk_steps import step_of, step_row
from app.storage.tables import card_batches as tables
from app.storage.tables.access import role_profile
from app.storage.tables.cards import card, card_issuance
from app.storage.tables.people import person

_batch, _item = tables.card_batch, tables.card_batch_item
_REGULAR_AND_LIVE = (
    card.c.status.in_([status.value for status in LIVE]),
    card.c.is_temporary.is_(False),
    card.c.replace_for.is_(None),
)
_BEING_MADE = [status.value for status in IssuanceStatus if status.is_open]
_STORED = [name for name in CardBatch.__dataclass_fields__ if name not in ("uid", "card_serial")]


class CardBatches:
    """Batches with their people."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, batch: CardBatch, uids: Sequence[str]) -> None:
        """Keep a new batch for these people, in this order."""
        self._connection.execute(insert(_batch).values(_row_of(batch)))
        items = [BatchItem(batch.id, position, uid) for position, uid in enumerate(uids, 1)]
        self._connection.execute(insert(_item), [asdict(item) for item in items])

    def save(self, batch: CardBatch) -> None:
        """Keep what became of a batch read with ``get_to_change``."""
        self._connection.execute(update(_batch).where(_batch.c.id == batch.id).values(_row_of(batch)))

    def save_item(self, item: BatchItem) -> None:
        """Keep what became of one person's card."""
        this = (_item.c.batch_id == item.batch_id, _item.c.position == item.position)
        changed = {"issuance_id": item.issuance_id, "refused": item.refused}
        self._connection.execute(update(_item).where(*this).values(changed))

    def get(self, batch_id: str) -> CardBatch | None:
        """The batch with this id."""
        return next(iter(self._select(_batch.c.id == batch_id)), None)

    def get_to_change(self, batch_id: str) -> CardBatch | None:
        """The batch with this id; nobody else can change it until this transaction ends."""
        row = self._connection.execute(
            select(_batch).where(_batch.c.id == batch_id).with_for_update()
        ).one_or_none()
        return _batch_of(row) if row else None

    def of_ticket(self, ticket_hash: str) -> CardBatch | None:
        """The batch that the ticket was made for."""
        return next(iter(self._select(_batch.c.ticket_hash == ticket_hash)), None)

    def all(self, limit: int) -> list[CardBatch]:
        """The newest batches."""
        return self._select(limit=limit)

    def items(self, batch_id: str) -> list[BatchItem]:
        """Everybody in the batch, in order."""
        chosen = select(_item).where(_item.c.batch_id == batch_id).order_by(_item.c.position)
        return [BatchItem(**row._mapping) for row in self._connection.execute(chosen)]

    def next_item(self, batch_id: str) -> BatchItem | None:
        """Who comes next: whose card is begun and not made, or the first whom the desk has not come to."""
        done = (IssuanceStatus.ACTIVE.value, IssuanceStatus.UNDONE.value)
        chosen = (
            select(_item)
            .outerjoin(card_issuance, card_issuance.c.id == _item.c.issuance_id)
            .where(_item.c.batch_id == batch_id, _item.c.refused == "")
            .where(_item.c.issuance_id.is_(None) | card_issuance.c.status.not_in(done))
            .order_by(_item.c.issuance_id.is_(None), _item.c.position)
            .limit(1)
        )
        row = self._connection.execute(chosen).one_or_none()
        return BatchItem(**row._mapping) if row else None

    def counts(self, batch_id: str) -> tuple[int, int]:
        """How many people are in the batch, and how many of them are not waiting any more."""
        done = (IssuanceStatus.ACTIVE.value, IssuanceStatus.UNDONE.value)
        over = (_item.c.refused != "") | card_issuance.c.status.in_(done)
        chosen = (
            select(func.count(), func.count().filter(over))
            .select_from(_item)
            .outerjoin(card_issuance, card_issuance.c.id == _item.c.issuance_id)
            .where(_item.c.batch_id == batch_id)
        )
        total, ended = self._connection.execute(chosen).one()
        return total, ended

    def open_with(self, uid: str) -> CardBatch | None:
        """The batch that is not finished and in which the person still waits for their card."""
        waits = select(_item.c.batch_id).where(
            _item.c.uid == uid, _item.c.issuance_id.is_(None), _item.c.refused == ""
        )
        found = self._select(_batch.c.finished_at.is_(None), _batch.c.id.in_(waits))
        return next(iter(found), None)

    def people_without_card(self, organisation_code: str, today: date, limit: int) -> list[str]:
        """Who has a role profile there that has not ended, no regular card and none being made; by name."""
        chosen = (
            select(person.c.uid)
            .where(
                person.c.uid.in_(
                    select(role_profile.c.uid).where(
                        role_profile.c.organisation_code == organisation_code,
                        role_profile.c.withdrawn_at.is_(None),
                        role_profile.c.ends_on.is_(None) | (role_profile.c.ends_on >= today),
                    )
                ),
                ~exists().where(card.c.holder_uid == person.c.uid, *_REGULAR_AND_LIVE),
                ~exists().where(card_issuance.c.uid == person.c.uid, card_issuance.c.status.in_(_BEING_MADE)),
            )
            .order_by(person.c.family_name_key, person.c.given_name_key, person.c.uid)
            .limit(limit)
        )
        return list(self._connection.scalars(chosen))

    def _select(self, *conditions: ColumnElement[bool], limit: int = 1) -> list[CardBatch]:
        chosen = select(_batch).where(*conditions).order_by(_batch.c.begun_at.desc(), _batch.c.id)
        return [_batch_of(row) for row in self._connection.execute(chosen.limit(limit))]


def _row_of(batch: CardBatch) -> dict[str, Any]:
    row = {name: getattr(batch, name) for name in _STORED}
    return row | {
        "steps": [step_row(step) for step in batch.steps],
        "left_out": [asdict(line) for line in batch.left_out],
    }


def _batch_of(row: Row[tuple[object, ...]]) -> CardBatch:
    fields: dict[str, Any] = {name: row._mapping[name] for name in _STORED}
    steps = tuple(step_of(step) for step in fields["steps"])
    left_out = tuple(LeftOut(**line) for line in fields["left_out"])
    return CardBatch(**{**fields, "uid": fields["operator_uid"], "steps": steps, "left_out": left_out})
