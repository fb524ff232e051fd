"""Short-lived values under unguessable names: form values, sign-in visits, collected jobs. In memory only."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from card_agent.errors import PageExpired

Value = TypeVar("Value")

_NAME_BYTES = 32


class Remembered(Generic[Value]):
    """Keeps values for ``lifetime`` and at most ``capacity`` of them: the oldest go first.

    The bound keeps a hostile page that opens the agent again and again from filling the memory.
    """

    def __init__(self, lifetime: timedelta, clock: Callable[[], datetime], capacity: int = 500) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._capacity = capacity
        self._values: dict[str, tuple[datetime, Value]] = {}
        self._lock = threading.Lock()

    def add(self, value: Value) -> str:
        """Keep ``value`` and return its new name (43 characters, 256 random bits)."""
        name = secrets.token_urlsafe(_NAME_BYTES)
        with self._lock:
            self._values[name] = self._clock() + self._lifetime, value
            while len(self._values) > self._capacity:
                del self._values[next(iter(self._values))]
        return name

    def look_up(self, name: str) -> Value:
        """Return the value and keep it. Raises PageExpired."""
        with self._lock:
            return self._fresh(self._values.get(name))

    def take(self, name: str) -> Value:
        """Return the value and forget it: a second call refuses. Raises PageExpired."""
        with self._lock:
            return self._fresh(self._values.pop(name, None))

    def _fresh(self, kept: tuple[datetime, Value] | None) -> Value:
        if kept is None or kept[0] < self._clock():
            raise PageExpired(
                "This page was used already or is too old. Nothing was done. "
                "Go back to the site and start again."
            )
        return kept[1]
