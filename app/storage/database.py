"""The database: transactions that commit whole or not at all, each audited with what it did."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import NoReturn

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.clock import Clock, utc_now
from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent, require_declared
from app.domain.json_value import JsonValue
from app.errors import Refusal, Unavailable
from app.storage.engines import WAIT_FOR_LOCK_SECONDS, for_reading, is_outage, open_engine
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
        # SQLite has one writer at a time. Those of this process wait for one another here, in turn, and so
        # take one connection, which keeps its pages; SQLite would have each sleep and try again.
        self._turn = threading.Lock() if self.engine.dialect.name == "sqlite" else None

    def read(self) -> AbstractContextManager[Work]:
        """A snapshot: sees one state of the database throughout, and cannot write.

        Raises:
            Unavailable: the database is down.
        """
        return _Transaction(self._reading, self._clock)

    def change(self) -> AbstractContextManager[Work]:
        """One transaction: commits at the end of the block, is rolled back when anything is raised.

        Raises:
            Unavailable: the database is down or locked, or the audit cannot be written; nothing was changed.
        """
        return _Change(self.engine, self._clock, self._thread, self._turn)

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


class _Transaction(AbstractContextManager[Work]):
    """One transaction on a connection of its own. Not a generator: every card needs many of them."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def __enter__(self) -> Work:
        try:
            self._connection = self._engine.connect()
            try:
                self._transaction = self._connection.begin()
            except BaseException:
                self._connection.close()
                raise
        except (PoolTimeout, DBAPIError) as fault:
            _raise_named(fault)
        self._work = Work(self._connection, self._clock())
        return self._work

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end(is_well=error is None)
        except DBAPIError as fault:
            _raise_named(fault)
        if isinstance(error, DBAPIError) and is_outage(error):
            raise _database_unavailable() from error

    def _end(self, *, is_well: bool) -> None:
        try:
            if is_well:
                self._transaction.commit()
            elif self._transaction.is_active:
                self._transaction.rollback()
        finally:
            self._connection.close()


class _Change(_Transaction):
    """One that writes: the only one of its thread, and with what it audited at its end."""

    def __init__(
        self, engine: Engine, clock: Clock, thread: threading.local, turn: threading.Lock | None
    ) -> None:
        super().__init__(engine, clock)
        self._thread = thread
        self._turn = turn

    def __enter__(self) -> Work:
        # A second one would wait for the first for ever (SQLite) or commit without it (PostgreSQL).
        if getattr(self._thread, "changing", False):
            raise RuntimeError(
                "this thread is in a change already: hand its Work on instead of beginning another"
            )
        if self._turn is not None and not self._turn.acquire(timeout=WAIT_FOR_LOCK_SECONDS):
            raise _database_unavailable()
        try:
            work = super().__enter__()
        except BaseException:
            self._let_the_next()
            raise
        self._thread.changing = True
        return work

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.changing = False
        try:
            if error is None:
                self._write_audit()
            super().__exit__(kind, error, trace)
        finally:
            self._let_the_next()

    def _write_audit(self) -> None:
        try:
            self._work.audit.write()
        except BaseException as fault:
            super().__exit__(type(fault), fault, fault.__traceback__)
            raise

    def _let_the_next(self) -> None:
        if self._turn is not None:
            self._turn.release()


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
    except (PoolTimeout, DBAPIError) as fault:
        _raise_named(fault)


def _raise_named(fault: PoolTimeout | DBAPIError) -> NoReturn:
    """What a fault of the database is to whoever uses it: an outage, or else itself."""
    if isinstance(fault, DBAPIError) and not is_outage(fault):
        raise fault
    raise _database_unavailable() from fault


def _database_unavailable() -> Unavailable:
    return Unavailable(
        "database", "The database cannot be used just now. Nothing was changed. Try again in a few minutes."
    )
