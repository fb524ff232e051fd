"""The worker's samples: all figures of the service, once a minute, kept in the database for some days.

The page of the operator shows them. The newest also says when the worker was last at work, and holds the
counts of audit events: each sample counts only those since the one before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

from app.adapters.monitored_parts import (
    MonitoredParts,
    comparison_figures,
    database_up,
    publishing_figures,
)
from app.domain import figures
from app.domain.figures import Figure, Sample
from app.storage.database import Database
from app.storage.work import Work

EVERY = timedelta(minutes=1)
KEPT = timedelta(days=3)


class Sampling:
    """Takes samples.

    Args:
        parts: what is asked besides the database.
        topics: every topic of the outbox.
    """

    def __init__(self, database: Database, parts: MonitoredParts, topics: Collection[str]) -> None:
        self._database = database
        self._parts = parts
        self._topics = topics

    def take(self) -> None:
        """Take and keep a sample, and forget those that are old.

        Raises:
            Unavailable: the database cannot be used; there is no sample of that minute.
        """
        of_parts = list(self._parts.figures())
        with self._database.change() as work:
            before = work.monitoring.newest()
            last, events = _events(work, before)
            drift = comparison_figures(work.comparisons.newest())
            found = [*of_parts, database_up(True), *self._waiting(work), *drift, *events]
            work.monitoring.add(Sample.of(work.now, found, last))
            work.monitoring.forget(work.now - KEPT)

    def _waiting(self, work: Work) -> Iterator[Figure]:
        return publishing_figures(work.monitoring.waiting(), self._topics, work.now)


def _events(work: Work, before: Sample | None) -> tuple[int, list[Figure]]:
    """The counts of audit events so far, and the last event that is in them."""
    counts: Mapping[tuple[str, ...], float] = before.by_labels(figures.EVENTS) if before else {}
    last, since = work.monitoring.events_after(before.audit_seq if before else 0)
    return last, [Figure(figures.EVENTS, value, labels) for labels, value in _added(counts, since).items()]


def _added(
    counts: Mapping[tuple[str, ...], float], more: Mapping[tuple[str, str], int]
) -> dict[tuple[str, ...], float]:
    return {
        labels: counts.get(labels, 0) + more.get((labels[0], labels[1]), 0) for labels in {*counts, *more}
    }
