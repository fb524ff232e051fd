"""The holder's turn in a batch whose holders come to the desk: the run waits, the holder chooses the PIN.

The PIN goes from the page to the run and from there to the card; this forgets it when the run has taken it.
"""

from __future__ import annotations

import threading
from datetime import timedelta

from card_agent.desk_job import CERTIFIED, Job
from card_agent.errors import CardMissing, PageExpired
from card_agent.pin import Pin

HOLDER_WITHIN = timedelta(minutes=10)


class HolderTurn:
    """One holder's turn: the run waits, and the page answers once, by ``choose`` or ``pass_over``."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._given = threading.Event()
        self._answer = threading.Lock()
        self._pin: Pin | None = None

    @property
    def needs_new_pin(self) -> bool:
        """Whether a PIN is chosen now; a card that was certified before has its PIN already."""
        return self.job.state != CERTIFIED

    def wait(self, within: timedelta = HOLDER_WITHIN) -> Pin | None:
        """The PIN that the holder entered; None when the holder is not there.

        Raises CardMissing when nobody answered for so long.
        """
        if not self._given.wait(within.total_seconds()):
            name, minutes = self.job.holder.name, within.seconds // 60
            raise CardMissing(f"{name} chose no PIN for {minutes} minutes. Go on when they are there.")
        return self._pin

    def choose(self, pin: Pin) -> None:
        """The holder is there, with this PIN. Raises PageExpired when the turn was answered before."""
        self._answered()
        self._pin = pin
        self._given.set()

    def pass_over(self) -> None:
        """The holder is not there. Raises PageExpired when the turn was answered before."""
        self._answered()
        self._given.set()

    def _answered(self) -> None:
        if not self._answer.acquire(blocking=False):
            raise PageExpired("This was answered already. Open the batch's page again.")
