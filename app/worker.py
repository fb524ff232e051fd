"""The worker: carries the outbox to its targets, in order per key, at least once; and does what is periodic.

It can be killed at any moment. A row is marked as published after its handler has returned, so a killed
worker's rows are handled again by the next one; handlers make the target equal to the database now, so that
does no harm. Where several workers run, one works and the others stand by.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from app.errors import Unavailable
from app.storage.database import Database
from app.storage.outbox import OutboxRow

Handler = Callable[[OutboxRow], None]

POLL_SECONDS = 0.1
STAND_BY_SECONDS = 1.0
_AT_ONCE = 50
_LOG = logging.getLogger(__name__)


class StopSignal(Protocol):
    """What tells the worker to stop: a ``threading.Event``."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


@dataclass(frozen=True)
class PeriodicTask:
    """Something to be done now and then; when it fails, it is done again at its next time."""

    name: str
    every: timedelta
    run: Callable[[], object]


class Worker:
    """Publishes the outbox and runs periodic tasks.

    Args:
        handlers: what carries a row of each topic to its target; raising means that it is tried again later.
        periodic_tasks: run once at the start and then at their times.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        periodic_tasks: Sequence[PeriodicTask] = (),
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._tasks = periodic_tasks
        self._due: dict[str, float] = {}
        self._outage: str | None = None

    def run(self, stop: StopSignal) -> None:
        """Work until ``stop`` is set; an outage of the database is waited out."""
        while not stop.is_set():
            try:
                self._hold_and_work(stop)
            except Unavailable as outage:
                self._note_outage(str(outage))
            stop.wait(STAND_BY_SECONDS)

    def _hold_and_work(self, stop: StopSignal) -> None:
        with self._database.exclusively("worker") as still_held:
            while still_held is not None and not stop.is_set() and still_held():
                self._run_due_tasks()
                if not self.publish_some(stop):
                    stop.wait(POLL_SECONDS)
                self._note_outage(None)

    def publish_some(self, stop: StopSignal | None = None) -> int:
        """Handle the rows that are due now; answers how many were published.

        Raises:
            Unavailable: the database is down; what was handled meanwhile will be handled again.
        """
        with self._database.read() as work:
            rows = work.outbox.due(list(self._handlers), _AT_ONCE)
        outcomes = [(row, self._handled(row)) for row in rows if stop is None or not stop.is_set()]
        if outcomes:
            self._mark(outcomes)
        return sum(error is None for _, error in outcomes)

    def _handled(self, row: OutboxRow) -> str | None:
        """The error; None when the row reached its target."""
        try:
            self._handlers[row.topic](row)
        except Exception as fault:
            _LOG.warning("outbox row %d (%s %s) failed: %s", row.id, row.topic, row.key, fault)
            return f"{type(fault).__name__}: {fault}"
        return None

    def _mark(self, outcomes: Sequence[tuple[OutboxRow, str | None]]) -> None:
        with self._database.change() as work:
            for row, error in outcomes:
                if error is None:
                    work.outbox.published(row)
                else:
                    work.outbox.failed(row, error)

    def _run_due_tasks(self) -> None:
        for task in self._tasks:
            if time.monotonic() >= self._due.get(task.name, 0):
                self._run_task(task)
                self._due[task.name] = time.monotonic() + task.every.total_seconds()

    def _run_task(self, task: PeriodicTask) -> None:
        try:
            task.run()
        except Exception as fault:
            _LOG.warning("the periodic task %s failed: %s", task.name, fault)

    def _note_outage(self, outage: str | None) -> None:
        if outage and outage != self._outage:
            _LOG.error("the worker waits: %s", outage)
        if self._outage and not outage:
            _LOG.info("the worker goes on")
        self._outage = outage


class Sealing(Protocol):
    """The CA process, which verifies the chain and seals its head."""

    def seal_audit_head(self) -> int: ...


def announce_begun_and_ended_roles(database: Database) -> None:
    """Announce the people whose roles began or ended with the day, so that the directory says so."""
    with database.change() as work:
        for uid in work.sweeps.people_with_changed_roles():
            work.outbox.add("directory.person", uid)


def seal_new_events(database: Database, sealing: Sealing) -> None:
    """Have the audit's head sealed when there are events after the last seal.

    Raises:
        Unavailable, Refusal: as the CA process answers.
    """
    with database.read() as work:
        head, last = work.audit.head(), work.audit.last_seal()
    if head.seq > (last.seq if last else 0):
        sealing.seal_audit_head()


def forget_what_is_over(database: Database, keep: timedelta) -> None:
    """Remove what nobody needs: outbox rows published and sessions ended before ``keep``, ended limits."""
    with database.change() as work:
        work.outbox.forget_published(work.now - keep)
        work.sessions.forget_old(work.now - keep)
        work.rate_limits.forget_ended()


def usual_tasks(database: Database, sealing: Sealing) -> list[PeriodicTask]:
    """The periodic tasks of every installation."""
    return [
        PeriodicTask("roles", timedelta(seconds=30), lambda: announce_begun_and_ended_roles(database)),
        PeriodicTask("seal", timedelta(seconds=5), lambda: seal_new_events(database, sealing)),
        PeriodicTask("forget", timedelta(hours=1), lambda: forget_what_is_over(database, timedelta(days=7))),
    ]
