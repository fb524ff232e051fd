"""Batches as pages and desks get them: with names, and with how far each card is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.card_batch import BatchItem, CardBatch
from app.domain.issuance import CardIssuance, IssuanceStatus
from app.domain.json_value import JsonValue
from app.ra.ports import Work
from app.ra.records import PersonReference
from app.ra.summaries import Names

_CLOSED_BEFORE = "The batch was closed before this person's turn."


@dataclass(frozen=True)
class BatchLine:
    """One person of a batch with how far their card is.

    Attributes:
        status: None before the desk came to it.
        ended_at: when the card was done or given up.
        reason: why there is no card, or why it is not finished.
    """

    item: BatchItem
    person: PersonReference
    status: IssuanceStatus | None
    card_serial: str | None
    ended_at: datetime | None
    reason: str
    is_locked: bool


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


def batch_lines(work: Work, batch: CardBatch) -> tuple[BatchLine, ...]:
    """Everybody in the batch with how far their card is."""
    items = work.card_batches.items(batch.id)
    names = Names(work, [item.uid for item in items])
    issuances = {each.id: each for each in work.issuances.of_batch(batch.id)}
    without = _CLOSED_BEFORE if batch.finished_at else ""
    return tuple(_line(names, item, issuances.get(item.issuance_id or ""), without) for item in items)


def _line(names: Names, item: BatchItem, issuance: CardIssuance | None, without: str) -> BatchLine:
    """``without``: why no card was begun for somebody whose turn did not come."""
    return BatchLine(
        item,
        names.person(item.uid),
        issuance.status if issuance else None,
        issuance.card_serial if issuance else None,
        issuance.finished_at if issuance else None,
        item.refused or (_why_unfinished(issuance) if issuance else without),
        issuance.terms.is_locked if issuance else False,
    )


def _why_unfinished(issuance: CardIssuance) -> str:
    """What failed last while the card is being made; why it was given up."""
    if issuance.status is IssuanceStatus.ACTIVE:
        return ""
    outcome = "failed" if issuance.status.is_open else "done"
    return next((step.reason for step in reversed(issuance.steps) if step.outcome == outcome), "")


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
