"""What a holder's new PIN must be. Pure rules; the page states them before the person types.

Source: the national service's 6 to 8 digits; NIST SP 800-63B 5.1.1.2 (refuse the guessable); ISO 9564-1 8.1
(no runs, no repeated digit, nothing taken from the holder's own data).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_RUNS = ("01234567890", "09876543210")
_TYPED_IN_FULL = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True)
class PinPolicy:
    """How many digits a PIN has, at least and at most. The job says so."""

    minimum: int = 6
    maximum: int = 8

    def rules(self) -> list[str]:
        """Return the rules as sentences for the page."""
        return [
            f"It must have {self.minimum} to {self.maximum} digits, and only digits.",
            "It must not be one digit again and again (777777) or a pattern again and again (121212).",
            "It must not count up or down (123456, 987654).",
            "It must not be a date, such as a birthday (190384, 19840319).",
            "It must not be part of your 12-digit user id.",
        ]

    def problem(self, pin: str, holder_uid: str) -> str | None:
        """Return the sentence that says why ``pin`` cannot be used, or None when it can."""
        if not _TYPED_IN_FULL.fullmatch(pin) or not self.minimum <= len(pin) <= self.maximum:
            return f"The new PIN must be {self.minimum} to {self.maximum} digits. Enter only digits."
        if _repeats(pin):
            return "The new PIN repeats itself. Choose one that is harder to guess."
        if any(pin in run for run in _RUNS):
            return "The new PIN counts up or down. Choose one that is harder to guess."
        if looks_like_a_date(pin):
            return "The new PIN looks like a date. Choose one that is harder to guess."
        if pin in holder_uid:
            return "The new PIN is part of your user id. Choose another one."
        return None


def _repeats(pin: str) -> bool:
    """Say whether the PIN is one group of digits again and again."""
    return any(
        len(pin) % size == 0 and pin == pin[:size] * (len(pin) // size)
        for size in range(1, len(pin) // 2 + 1)
    )


def looks_like_a_date(pin: str) -> bool:
    """Say whether the digits read as a date: DDMMYY, YYMMDD, DDMMYYYY or YYYYMMDD (19xx and 20xx)."""
    if len(pin) == 6:
        return _is_day_of_month(pin[:2], pin[2:4]) or _is_day_of_month(pin[4:], pin[2:4])
    if len(pin) == 8:
        day_first = _is_year(pin[4:]) and _is_day_of_month(pin[:2], pin[2:4])
        return day_first or (_is_year(pin[:4]) and _is_day_of_month(pin[6:], pin[4:6]))
    return False


def _is_day_of_month(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


def _is_year(digits: str) -> bool:
    return digits[:2] in ("19", "20")
