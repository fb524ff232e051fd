"""How often a caller may ask, counted in memory by each process.

The look-ups go on while the database is down, so they do not count there as the pages do. With several
processes the limit is that many times as high.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import ClassVar

from app.errors import Refusal

WINDOW_SECONDS = 60
_MOST_CALLERS = 10_000


class AskedTooOften(Refusal):
    """More look-ups within a minute than anybody needs."""

    code: ClassVar[str] = "asked_too_often"


class Pace:
    """Counts each caller's look-ups of the current minute. Thread-safe."""

    def __init__(self, limit: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._asked: dict[str, int] = {}
        self._began_at = monotonic()
        self._lock = Lock()

    def count(self, caller: str) -> None:
        """Count one look-up.

        Raises:
            AskedTooOften: the caller has asked ``limit`` times within this minute.
        """
        with self._lock:
            if self._monotonic() - self._began_at >= WINDOW_SECONDS or len(self._asked) >= _MOST_CALLERS:
                self._asked, self._began_at = {}, self._monotonic()
            asked = self._asked[caller] = self._asked.get(caller, 0) + 1
        if asked > self._limit:
            raise AskedTooOften(
                f"More than {self._limit} look-ups within a minute. Wait a minute, then try again."
            )
