"""How audit events are shown: what happened in words, never the raw details of others."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.audit_event import Outcome, RecordedEvent
from app.web.presenters.wording import Cell, TableOf, Tag, moment, sentence

_OUTCOMES = {Outcome.ALLOWED: Tag("Allowed", "green"), Outcome.REFUSED: Tag("Refused", "red")}


def audit_table(events: Sequence[RecordedEvent]) -> TableOf:
    """Events, newest first."""
    return TableOf(
        "Newest events",
        ("Number", "When", "What", "Who", "About", "Outcome"),
        tuple(_row(event) for event in events),
        when_empty="Nothing is recorded about this.",
    )


def _row(recorded: RecordedEvent) -> tuple[Cell, ...]:
    event = recorded.event
    return (
        Cell(str(recorded.seq)),
        Cell(moment(recorded.at)),
        Cell(event.event),
        Cell(event.actor_uid),
        Cell(event.subject),
        Cell(event.reason and sentence(event.reason), tag=_OUTCOMES[event.outcome]),
    )
