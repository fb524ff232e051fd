"""What the database says of how the service is: what waits, what happened, and samples of all figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Row, delete, func, insert, select

from app.domain.figures import Sample, Waiting
from app.storage.tables.audit import audit_event
from app.storage.tables.outbox import outbox
from app.storage.tables.samples import sample


class Monitoring:
    """Figures as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def waiting(self) -> list[Waiting]:
        """What is not published, by topic; topics of which nothing waits are left out."""
        chosen = (
            select(
                outbox.c.topic,
                func.count().label("waiting"),
                func.min(outbox.c.created_at).label("oldest_at"),
                func.count().filter(outbox.c.attempts > 0).label("failing"),
            )
            .where(outbox.c.published_at.is_(None))
            .group_by(outbox.c.topic)
            .order_by(outbox.c.topic)
        )
        return [Waiting(**row._mapping) for row in self._connection.execute(chosen)]

    def events_after(self, seq: int) -> tuple[int, Mapping[tuple[str, str], int]]:
        """The last event's number, and how often each happened after ``seq``, by event and outcome."""
        last = self._connection.scalar(select(func.max(audit_event.c.seq))) or 0
        chosen = (
            select(audit_event.c.event, audit_event.c.outcome, func.count())
            .where(audit_event.c.seq > seq, audit_event.c.seq <= last)
            .group_by(audit_event.c.event, audit_event.c.outcome)
        )
        counted = self._connection.execute(chosen)
        return last, {(event, outcome): number for event, outcome, number in counted}

    def add(self, taken: Sample) -> None:
        """Keep a sample."""
        row = {"at": taken.at, "figures": dict(taken.figures), "audit_seq": taken.audit_seq}
        self._connection.execute(insert(sample).values(row))

    def newest(self) -> Sample | None:
        """The sample taken last."""
        chosen = select(sample).order_by(sample.c.at.desc()).limit(1)
        row = self._connection.execute(chosen).one_or_none()
        return _sample(row) if row else None

    def since(self, moment: datetime) -> list[Sample]:
        """The samples from that moment on, oldest first."""
        chosen = select(sample).where(sample.c.at >= moment).order_by(sample.c.at)
        return [_sample(row) for row in self._connection.execute(chosen)]

    def forget(self, before: datetime) -> int:
        """Remove the samples taken before that moment, except the newest; answers how many."""
        newest = select(func.max(sample.c.at)).scalar_subquery()
        chosen = delete(sample).where(sample.c.at < before, sample.c.at < newest)
        return self._connection.execute(chosen).rowcount


def _sample(row: Row[tuple[object, ...]]) -> Sample:
    return Sample(**row._mapping)
