"""The database: transactions that commit whole or not at all, each audited with what it did."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.clock import Clock, utc_now
from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent, require_declared
from app.domain.json_value import JsonValue
from app.errors import Refusal, Unavailable
from app.storage.engines import for_reading, is_outage, open_engine
from app.storage.exclusive import StillHeld, exclusively
from app.storage.work import Work


class Database:
    """The system of record.

    Args:
        url: ``sqlite:///<file>`` or ``postgresql+psycopg://<user>@<host>/<database>``.
        clock: answers the instant that a transaction's ``now`` is.
    """

    def __init__(self, url: str, clock: Clock = utc_now) -> None:
        self.engine = open_engine(url)
        self._reading = for_reading(self.engine)
        self._clock = clock
        self._thread = threading.local()

    @contextmanager
    def read(self) -> Iterator[Work]:
        """A snapshot: sees one state of the database throughout, and cannot write.

        Raises:
            Unavailable: the database is down.
        """
        with self._transaction(self._reading) as work:
            yield work

    @contextmanager
    def change(self) -> Iterator[Work]:
        """One transaction: commits at the end of the block, is rolled back when anything is raised.

        Raises:
            Unavailable: the database is down or locked, or the audit cannot be written; nothing was changed.
        """
        with self._once_a_thread(), self._transaction(self.engine) as work:
            yield work
            work.audit.write()

    @contextmanager
    def audited(self, actor: Actor, event: str, subject: str, **details: JsonValue) -> Iterator[Work]:
        """One transaction and exactly one audit event about it.

        At the normal end, the event is written as allowed with the change. When a rule says no inside, the
        change is rolled back, the event is written as refused with the refusal's code in a transaction of its
        own, and the refusal goes on. Check permissions inside, so that their refusals are audited too.

        Raises:
            Unavailable: as ``change``; when the refusal cannot be written, too.
            UnknownAuditEvent: the event is not declared or lacks a detail that it must carry.
        """
        require_declared(event)
        attempt = _Attempt(AuditEvent.by(actor, event, subject, details))
        try:
            with self.change() as work:
                attempt.work, work.actor = work, actor
                yield work
                work.audit.record(attempt.event())
        except Refusal as refusal:
            self._record_refusal(attempt.event().refused(refusal.code), refusal)
            raise

    def _record_refusal(self, event: AuditEvent, refusal: Refusal) -> None:
        try:
            with self.change() as work:
                work.audit.record(event)
        except Unavailable as outage:
            raise outage from refusal

    def migrate(self) -> None:
        """Bring the tables to the newest form; a new database gets all of them.

        Raises:
            Unavailable: the database is down.
        """
        # Alembic is loaded where tables are made, not by every program that reads them.
        from app.storage.migrating import migrate

        with _outages_named():
            migrate(self.engine)

    @contextmanager
    def exclusively(self, name: str) -> Iterator[StillHeld | None]:
        """Be the only program that does what ``name`` says; None when another does it already.

        Raises:
            Unavailable: the database is down.
        """
        with _outages_named(), exclusively(self.engine, name) as still_held:
            yield still_held

    def close(self) -> None:
        """Close the connections that are kept open."""
        self.engine.dispose()
        self._reading.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Work]:
        with _outages_named(), engine.begin() as connection:
            yield Work(connection, self._clock())

    @contextmanager
    def _once_a_thread(self) -> Iterator[None]:
        # A second one would wait for the first for ever (SQLite) or commit without it (PostgreSQL).
        if getattr(self._thread, "changing", False):
            raise RuntimeError(
                "this thread is in a change already: hand its Work on instead of beginning another"
            )
        self._thread.changing = True
        try:
            yield
        finally:
            self._thread.changing = False


class _Attempt:
    """What is being done, with the details that the work has told so far."""

    def __init__(self, event: AuditEvent) -> None:
        self._event = event
        self.work: Work | None = None

    def event(self) -> AuditEvent:
        return self.work.audit.completed(self._event) if self.work else self._event


@contextmanager
def _outages_named() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as fault:
        raise _database_unavailable() from fault
    except DBAPIError as fault:
        if not is_outage(fault):
            raise
        raise _database_unavailable() from fault


def _database_unavailable() -> Unavailable:
    return Unavailable(
        "database", "The database cannot be used just now. Nothing was changed. Try again in a few minutes."
    )
