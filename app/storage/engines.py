"""How the two databases are opened: SQLite for one machine, PostgreSQL for more than one server.

SQLite: write-ahead log, every commit on the disk, foreign keys on, and every writer begins with BEGIN
IMMEDIATE. Python's own default starts a transaction only at the first write, so that of two who read and then
write, one is lost without an error (351 of 1000 in a trial).

PostgreSQL: writers run in read committed and lock what they are about to change (FOR UPDATE); readers get one
snapshot.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import PoolProxiedConnection

WAIT_FOR_LOCK_SECONDS = 10
_SQLITE_SETTINGS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
_WRITING, _READING = ("BEGIN IMMEDIATE",), ("BEGIN", "query_only = ON")
_POSTGRESQL_OPTIONS = f"-c timezone=UTC -c lock_timeout={WAIT_FOR_LOCK_SECONDS}s"
# The connection given back last is taken first: it knows the statements and has the pages. Values of personal
# data must not get into logs with an error.
_POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 10, "pool_use_lifo": True, "hide_parameters": True}
_FAULT_IN_OUR_SQL = sqlite3.SQLITE_ERROR


def open_engine(url: str) -> Engine:
    """An engine whose transactions are for writing.

    Raises:
        ValueError: neither ``sqlite:///<file>`` nor ``postgresql+psycopg://…``.
    """
    parsed = make_url(url)
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return _sqlite(parsed, *_WRITING)
    if parsed.drivername == "postgresql+psycopg":
        return _postgresql(parsed)
    raise ValueError("a database URL is sqlite:///<file> or postgresql+psycopg://<user>@<host>/<database>")


def for_reading(engine: Engine) -> Engine:
    """The same database for transactions that see one snapshot and cannot write."""
    if engine.dialect.name == "sqlite":
        return _sqlite(engine.url, *_READING)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _postgresql(url: URL) -> Engine:
    arguments = {"connect_timeout": 5, "options": _POSTGRESQL_OPTIONS}
    return create_engine(url, pool_pre_ping=True, connect_args=arguments, **_POOL)


def _sqlite(url: URL, begin: str, *settings: str) -> Engine:
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        for setting in (*_SQLITE_SETTINGS, *settings):
            connection.execute(f"PRAGMA {setting}")

    def do_begin(connection: PoolProxiedConnection) -> None:
        connection.cursor().execute(begin)

    engine = create_engine(url, connect_args={"timeout": WAIT_FOR_LOCK_SECONDS}, **_POOL)
    event.listen(engine, "do_connect", _make_private_file)
    event.listen(engine, "connect", prepare)
    engine.dialect.do_begin = do_begin  # type: ignore[assignment, method-assign]  # its own begins nothing
    return engine


def _make_private_file(_dialect: object, _record: object, arguments: list[Any], _options: object) -> None:
    """A new file is its owner's alone; its journal gets the same mode. What is in the way, SQLite says."""
    with suppress(OSError):
        os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL, 0o600))


def is_outage(fault: DBAPIError) -> bool:
    """Whether the database is down, full or locked by somebody, rather than our SQL wrong."""
    if not isinstance(fault, OperationalError | InterfaceError):
        return False
    code = getattr(fault.orig, "sqlite_errorcode", None)
    return code is None or code & 0xFF != _FAULT_IN_OUR_SQL
