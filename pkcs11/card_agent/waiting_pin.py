"""The new PIN that a holder chose, while somebody else puts right what was wrong on the same form.

Without it a slip of the operator's finger makes the holder type a new PIN twice again. It stays in this
process, for three minutes at most, and is overwritten as soon as the form goes through.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from card_agent.pages import Problem
from card_agent.pin import Pin

NEW_PIN, REPEATED_PIN, OTHER_PIN = "new_pin", "repeated_pin", "other_pin"
WAITS_SECONDS = 180.0


class WaitingPin:
    """Of one collected job. Thread-safe."""

    def __init__(self, waits_seconds: float = WAITS_SECONDS) -> None:
        self._waits_seconds = waits_seconds
        self._lock = threading.Lock()
        self._pin: Pin | None = None
        self._timer: threading.Timer | None = None

    @property
    def is_there(self) -> bool:
        """Whether the holder need not type it again, for the form."""
        with self._lock:
            return self._pin is not None

    def filled_in(self, form: Mapping[str, str]) -> Mapping[str, str]:
        """Return the form with the PIN that waits, where it was left out because it waits."""
        with self._lock:
            if self._pin is None or form.get(NEW_PIN) or form.get(REPEATED_PIN):
                return form
            return {**form, NEW_PIN: self._pin.reveal(), REPEATED_PIN: self._pin.reveal()}

    def keep_or_forget(self, form: Mapping[str, str], problems: Sequence[Problem]) -> None:
        """Keep the form's PIN when the form comes again for something else than this PIN; else forget it."""
        is_right = not {problem.field for problem in problems} & {NEW_PIN, REPEATED_PIN}
        self.forget()
        if problems and is_right and form.get(NEW_PIN):
            self._keep(Pin(form[NEW_PIN]))

    def forget(self) -> None:
        """Overwrite it."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._pin is not None:
                self._pin.forget()
            self._pin = self._timer = None

    def _keep(self, pin: Pin) -> None:
        timer = threading.Timer(self._waits_seconds, self.forget)
        timer.daemon = True
        with self._lock:
            self._pin, self._timer = pin, timer
        timer.start()
