"""A connection to a directory server that outlives the server's restarts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from directory.connection import PATIENCE, RETRY_EVERY, Session
from directory.errors import DirectoryUnavailable

Result = TypeVar("Result")


class Reconnecting:
    """Keeps one session open, and opens another when it breaks.

    When a session that worked breaks, the operation is tried on new ones for ``PATIENCE`` seconds, so that
    a restart of the server passes unnoticed. Without one before, there is one try: a server that is down is
    soon known to be.
    """

    def __init__(self, connect: Callable[[], Session]) -> None:
        self._connect = connect
        self._session: Session | None = None
        self._lock = threading.Lock()

    def run(self, operation: Callable[[Session], Result]) -> Result:
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

    def _try(self, operation: Callable[[Session], Result]) -> Result:
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

    def _current(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = self._connect()
            return self._session

    def _forget(self, session: Session) -> None:
        with self._lock:
            if self._session is session:
                self._session = None
        session.close()
