"""What one program at a time may do, such as publishing the outbox: a lock that ends with its holder.

PostgreSQL: an advisory lock of a session, which the server frees when the connection breaks. SQLite: a lock
on a file beside the database, which the kernel frees when the process ends.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

StillHeld = Callable[[], bool]


@contextmanager
def exclusively(engine: Engine, name: str) -> Iterator[StillHeld | None]:
    """Hold the lock; the value tells whether it is held still. None when somebody else holds it."""
    lock = _file_lock if engine.dialect.name == "sqlite" else _session_lock
    with lock(engine, name) as still_held:
        yield still_held


@contextmanager
def _file_lock(engine: Engine, name: str) -> Iterator[StillHeld | None]:
    database = engine.url.database
    assert database
    with Path(f"{database}.{name}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lambda: True


@contextmanager
def _session_lock(engine: Engine, name: str) -> Iterator[StillHeld | None]:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(select(func.pg_try_advisory_lock(number))):
            yield None
            return

        def still_held() -> bool:
            try:
                return connection.scalar(select(1)) == 1
            except DBAPIError:
                return False

        try:
            yield still_held
        finally:
            # Not back to the pool: the next user of this connection must not hold the lock.
            connection.invalidate()
