"""Limiting how often something may be tried, for all web processes together."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import ClassVar, Protocol

from app.errors import Refusal


class TooManyTries(Refusal):
    """It was tried more often than anybody needs to."""

    code: ClassVar[str] = "too_many_tries"


class RateLimits(Protocol):
    """``app.storage.rate_limits``."""

    def allows(self, name: str, key: str, limit: int, window: timedelta) -> bool:
        """Count one try; whether it is within the limit."""


class Work(Protocol):
    """One open transaction."""

    @property
    def rate_limits(self) -> RateLimits: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

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
        with self._database.change() as work:
            is_allowed = work.rate_limits.allows(name, key, limit, window)
        if not is_allowed:
            raise TooManyTries("This was tried too often. Wait a minute, then try again.")
