"""Limiting how often something may be tried, for all web processes together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import ClassVar, Protocol

from app.errors import Refusal

_TOO_OFTEN = "This was tried too often. Wait a minute, then try again."


class TooManyTries(Refusal):
    """It was tried more often than anybody needs to."""

    code: ClassVar[str] = "too_many_tries"


class RateLimits(Protocol):
    """``app.storage.rate_limits``."""

    def allows(self, name: str, key: str, limit: int, window: timedelta) -> bool:
        """Count one try; whether it is within the limit."""

    def tries(self, name: str, key: str) -> int:
        """How many were counted in the window that it is in."""


class Work(Protocol):
    """One open transaction."""

    @property
    def rate_limits(self) -> RateLimits: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[Work]:
        """A snapshot, which cannot write."""

    def change(self) -> AbstractContextManager[Work]:
        """One transaction that commits or rolls back."""


class Limiting:
    """Counts tries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require_not_too_often(self, name: str, key: str, limit: int, window: timedelta) -> None:
        """Count one try of ``key`` at ``name``.

        Raises:
            TooManyTries: there were more than ``limit`` in the window.
        """
        if not self._count(name, key, limit, window):
            raise TooManyTries(_TOO_OFTEN)

    @contextmanager
    def failures(self, name: str, key: str, limit: int, window: timedelta) -> Iterator[None]:
        """Count the block as a try of ``key`` at ``name`` when it is refused; what goes well is not counted.

        Raises:
            TooManyTries: there were ``limit`` in the window before, and the block is not run.
        """
        with self._database.read() as work:
            failed = work.rate_limits.tries(name, key)
        if failed >= limit:
            raise TooManyTries(_TOO_OFTEN)
        try:
            yield
        except Refusal:
            self._count(name, key, limit, window)
            raise

    def _count(self, name: str, key: str, limit: int, window: timedelta) -> bool:
        with self._database.change() as work:
            return work.rate_limits.allows(name, key, limit, window)
