"""Batches as pages and desks get them: with names, and with how far each card is."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.card_batch import BatchItem, CardBatch
from app.domain.issuance import IssuanceStatus
from app.domain.json_value import JsonValue
from app.ra.ports import Work
from app.ra.records import PersonReference
from app.ra.summaries import Names


@dataclass(frozen=True)
class BatchLine:
    """One person of a batch with how far their card is. ``status`` is None before the desk came to it."""

    item: BatchItem
    person: PersonReference
    status: IssuanceStatus | None
    card_serial: str | None
    reason: str


@dataclass(frozen=True)
class BatchRecord:
    """A batch with its people, how many there are and how many are not waiting any more."""

    batch: CardBatch
    operator: PersonReference
    total: int
    ended: int
    lines: tuple[BatchLine, ...] = ()


def batch_record(work: Work, batch: CardBatch) -> BatchRecord:
    """The batch without its people."""
    total, ended = work.card_batches.counts(batch.id)
    names = Names(work, [batch.operator_uid])
    return BatchRecord(batch, names.person(batch.operator_uid or ""), total, ended)


def batch_lines(work: Work, batch_id: str) -> tuple[BatchLine, ...]:
    """Everybody in the batch with how far their card is."""
    items = work.card_batches.items(batch_id)
    names = Names(work, [item.uid for item in items])
    return tuple(_line(work, names, item) for item in items)


def _line(work: Work, names: Names, item: BatchItem) -> BatchLine:
    issuance = work.issuances.get(item.issuance_id) if item.issuance_id else None
    failed = [step.reason for step in issuance.steps if step.outcome == "failed"] if issuance else []
    return BatchLine(
        item,
        names.person(item.uid),
        issuance.status if issuance else None,
        issuance.card_serial if issuance else None,
        item.refused or (failed[-1] if failed and issuance and issuance.status.is_open else ""),
    )


def batch_told(work: Work, batch: CardBatch) -> dict[str, JsonValue]:
    """The batch as the card agent gets it: JSON."""
    total, ended = work.card_batches.counts(batch.id)
    operator = Names(work, [batch.operator_uid]).person(batch.operator_uid or "")
    return {
        "id": batch.id,
        "title": batch.title,
        "operator": {"uid": operator.uid, "name": operator.name},
        "total": total,
        "ended": ended,
    }
