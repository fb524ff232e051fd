"""The worker: carries the outbox to its targets, in order per key, at least once; and does what is periodic.

It has **lanes**, each with topics of its own and a thread of its own, so that a relying party that hangs
does not hold up the directory. Where several workers run, each lane is worked by one of them, and the others
stand by.

It can be killed at any moment. A row is marked as published after its handler has returned, so a killed
worker's rows are handled again by the next one; handlers make the target equal to the database now, so that
does no harm.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from app.errors import Unavailable
from app.storage.database import Database
from app.storage.outbox import OutboxRow

Handler = Callable[[OutboxRow], None]
Outcome = tuple[OutboxRow, str | None]
"""A row, and the error that kept it from its target; None when it reached it."""

POLL_SECONDS = 0.1
STAND_BY_SECONDS = 1.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0
_LOG = logging.getLogger(__name__)


class StopSignal(Protocol):
    """What tells the worker to stop: a ``threading.Event``."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


class Carrier(Protocol):
    """Carries rows of some topics to their target."""

    @property
    def topics(self) -> Collection[str]:
        """Which rows it carries."""

    @property
    def at_once(self) -> int:
        """How many rows it is given at most."""

    def carry(self, rows: Sequence[OutboxRow]) -> Iterator[Outcome]:
        """Carry the rows in their order and say of each what came of it.

        Raises:
            Unavailable: the target does not answer, for any row. Rows not answered for wait.
        """

    def rest(self) -> None:
        """Nothing more is due now, or the lane ends: end what was left unfinished for those that follow.

        Raises:
            Unavailable: the target does not answer. It is called again.
        """


class OneByOne:
    """Gives each row to its topic's handler; one that fails does not hold up the others."""

    at_once = 50

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    @property
    def topics(self) -> Collection[str]:
        """Those that have a handler."""
        return self._handlers.keys()

    def carry(self, rows: Sequence[OutboxRow]) -> Iterator[Outcome]:
        """Handle the rows."""
        return ((row, self._error(row)) for row in rows)

    def rest(self) -> None:
        """Nothing is ever left unfinished."""

    def _error(self, row: OutboxRow) -> str | None:
        try:
            self._handlers[row.topic](row)
        except Exception as fault:
            return f"{type(fault).__name__}: {fault}"
        return None


@dataclass(frozen=True)
class PeriodicTask:
    """Something to be done now and then; when it fails, it is done again at its next time."""

    name: str
    every: timedelta
    run: Callable[[], object]


class Lane:
    """Publishes some topics of the outbox, and runs periodic tasks between.

    Args:
        carrier: takes rows to their target.
        periodic_tasks: run once at the start and then at their times.
        name: the lane's own, for it is worked exclusively.
    """

    def __init__(
        self,
        database: Database,
        carrier: Carrier,
        periodic_tasks: Sequence[PeriodicTask],
        name: str,
    ) -> None:
        self._database = database
        self._carrier = carrier
        self._tasks = periodic_tasks
        self._name = name
        self._due: dict[str, float] = {}
        self._outage: str | None = None
        self._pause = 0.0

    def run(self, stop: StopSignal) -> None:
        """Work until ``stop`` is set; an outage of the database is waited out."""
        while not stop.is_set():
            try:
                self._hold_and_work(stop)
            except Unavailable as outage:
                self._note_outage(str(outage))
            stop.wait(STAND_BY_SECONDS)

    def _hold_and_work(self, stop: StopSignal) -> None:
        with self._database.exclusively(f"worker-{self._name}") as still_held:
            while still_held is not None and not stop.is_set() and still_held():
                self._run_due_tasks()
                if not self.publish_some(stop):
                    stop.wait(self._pause or POLL_SECONDS)
        if outage := self._rested():
            self._note_outage(str(outage))

    def publish_some(self, stop: StopSignal | None = None) -> int:
        """Carry the rows that are due now; answers how many were published.

        Raises:
            Unavailable: the database is down; what was carried meanwhile will be carried again.
        """
        with self._database.read() as work:
            rows = work.outbox.due(self._carrier.topics, self._carrier.at_once)
        outcomes: list[Outcome] = []
        outage = self._carried(rows, outcomes, stop) if rows else self._rested()
        self._mark(outcomes, rows[len(outcomes) :], outage)
        return sum(error is None for _, error in outcomes)

    def _carried(
        self, rows: Sequence[OutboxRow], outcomes: list[Outcome], stop: StopSignal | None
    ) -> Unavailable | None:
        """Carry rows and put down each one's outcome. The outage of their target, if there is one."""
        try:
            for outcome in self._carrier.carry(rows):
                outcomes.append(outcome)
                self._note_failure(*outcome)
                if stop is not None and stop.is_set():
                    break
        except Unavailable as outage:
            return outage
        return None

    def _rested(self) -> Unavailable | None:
        try:
            self._carrier.rest()
        except Unavailable as outage:
            return outage
        return None

    def _note_failure(self, row: OutboxRow, error: str | None) -> None:
        if error is not None:
            _LOG.warning("outbox row %d (%s %s) failed: %s", row.id, row.topic, row.key, error)

    def _mark(
        self, outcomes: Sequence[Outcome], left: Sequence[OutboxRow], outage: Unavailable | None
    ) -> None:
        """Note what was published. In an outage only the oldest row is put off: the rest stays in order."""
        self._note_outage(str(outage) if outage else None)
        self._pause = min(max(2 * self._pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS) if outage else 0
        if not outcomes and not outage:
            return
        with self._database.change() as work:
            work.outbox.published([row for row, error in outcomes if error is None])
            for row, error in outcomes:
                if error is not None:
                    work.outbox.failed(row, error)
            if outage and left:
                work.outbox.failed(left[0], str(outage), timedelta(seconds=self._pause))

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
            _LOG.error("the worker's lane %s waits: %s", self._name, outage)
        if self._outage and not outage:
            _LOG.info("the worker's lane %s goes on", self._name)
        self._outage = outage


class Worker:
    """Runs lanes side by side."""

    def __init__(self, *lanes: Lane) -> None:
        self._lanes = lanes

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set.

        Raises:
            Exception: what ended a lane that should not have ended; the others were stopped.
        """
        faults: list[BaseException] = []

        def run_lane(lane: Lane) -> None:
            try:
                lane.run(stop)
            except BaseException as fault:
                faults.append(fault)
            finally:
                stop.set()

        with ExitStack() as ends:
            for lane in self._lanes:
                thread = threading.Thread(target=run_lane, args=(lane,))
                thread.start()
                ends.callback(thread.join)
        for fault in faults:
            raise fault
