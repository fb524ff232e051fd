"""What the reader doctor finds: each finding says what, why it matters, and what to do, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# As long as the site keeps.
_LONGEST = 500


class State(StrEnum):
    """How good or bad it is."""

    FINE = "fine"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One finding. ``code`` never changes; no text holds a PIN or a person's name."""

    code: str
    state: State
    what: str
    why: str = ""
    to_do: str = ""

    def message(self) -> dict[str, str]:
        """Return it as the site takes it: short, printable text."""
        return {
            "code": self.code,
            "state": self.state.value,
            "what": _plain(self.what),
            "why": _plain(self.why),
            "to_do": _plain(self.to_do),
        }


def fine(code: str, what: str) -> Finding:
    """Return a finding that needs nothing done."""
    return Finding(code, State.FINE, what)


def warning(code: str, what: str, why: str, to_do: str) -> Finding:
    """Return a finding that will become a problem, or may be one."""
    return Finding(code, State.WARNING, what, why, to_do)


def problem(code: str, what: str, why: str, to_do: str) -> Finding:
    """Return a finding that keeps people from working."""
    return Finding(code, State.PROBLEM, what, why, to_do)


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)[:_LONGEST]
