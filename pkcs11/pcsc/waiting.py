"""Waits for a card that another program has for itself, but not for ever, as the functions of pcsclite do.

SCardConnect and SCardBeginTransaction return only once the other program's transaction ends, and cannot be
cancelled (SCardCancel ends SCardGetStatusChange alone). So they are called in a thread of their own, which
gives back what it gets when nobody waits for it any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pcsc.errors import CardInUse, PcscError

_SHARING_VIOLATION = 0x8010000B


class Wait:
    """One wait. ``begin`` returns when the card is there; ``give_back`` undoes it when that is too late."""

    def __init__(self, begin: Callable[[], None], give_back: Callable[[], None]) -> None:
        self._begin = begin
        self._give_back = give_back
        self._deciding = threading.Lock()
        self._is_over = threading.Event()
        self._fault: PcscError | None = None
        self.is_given_up = False

    def wait(self, seconds: float) -> None:
        """Return once it has begun. Raises CardInUse after so many seconds, and what beginning raises."""
        threading.Thread(target=self._run, name="waiting for a card", daemon=True).start()
        self._is_over.wait(seconds)
        with self._deciding:
            self.is_given_up = not self._is_over.is_set()
        if self.is_given_up:
            raise CardInUse("SCardBeginTransaction", _SHARING_VIOLATION)
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        try:
            self._begin()
        except PcscError as fault:
            self._fault = fault
        with self._deciding:
            self._is_over.set()
            is_late = self.is_given_up
        if is_late:
            self._give_back()
