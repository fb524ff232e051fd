"""A connection to a directory server that outlives the server's restarts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from directory.connection import PATIENCE, RETRY_EVERY
from directory.errors import DirectoryUnavailable


class Closing(Protocol):
    """What is kept open: a session."""

    def close(self) -> None: ...


Open = TypeVar("Open", bound=Closing)
Result = TypeVar("Result")


class Reconnecting(Generic[Open]):
    """Keeps one session open, and opens another when it breaks.

    When a session that worked breaks, the operation is tried on new ones for ``PATIENCE`` seconds, so that
    a restart of the server passes unnoticed. Without one before, there is one try: a server that is down is
    soon known to be.
    """

    def __init__(self, connect: Callable[[], Open]) -> None:
        self._connect = connect
        self._session: Open | None = None
        self._lock = threading.Lock()

    def run(self, operation: Callable[[Open], Result]) -> Result:
        """Do ``operation``, which must be safe to do twice.

        Raises:
            DirectoryUnavailable: it failed on a new connection too.
        """
        until = time.monotonic() + (0.0 if self._session is None else PATIENCE)
        while True:
            try:
                return self._try(operation)
            except DirectoryUnavailable:
                if time.monotonic() >= until:
                    raise
            time.sleep(RETRY_EVERY)

    def _try(self, operation: Callable[[Open], Result]) -> Result:
        session = self._current()
        try:
            return operation(session)
        except DirectoryUnavailable:
            self._forget(session)
            raise

    def close(self) -> None:
        """Close the session, if one is open. The next operation opens another."""
        if self._session is not None:
            self._forget(self._session)

    def _current(self) -> Open:
        with self._lock:
            if self._session is None:
                self._session = self._connect()
            return self._session

    def _forget(self, session: Open) -> None:
        with self._lock:
            if self._session is session:
                self._session = None
        session.close()
