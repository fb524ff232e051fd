"""How a card is issued: with its PIN now or locked for later, from a day on, or for a short time only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.errors import InvalidInput

TEMPORARY_HOURS = (8, 24, 72, 120)
"""How long a temporary access card may work. The certificate authority has a limit of its own."""

TEMPORARY_REASONS: Mapping[str, str] = {
    "forgotten": "The card was left at home",
    "new_card_awaited": "The card was lost, broken or expired, and a new one cannot be made yet",
    "short_work": "The person works here for a few days only",
}


@dataclass(frozen=True)
class IssuanceTerms:
    """What the operator has chosen.

    Attributes:
        is_locked: nobody knows the PIN; the holder's first one is set by unlocking the card.
        usable_from: the day from which the card may be used; None when that is at once. Only for a card that
            is issued locked: its holder is not there yet.
        temporary_hours: how long the certificates of a temporary access card last; None for a regular card.
        temporary_reason: why a temporary access card is needed: one of ``TEMPORARY_REASONS``.
    """

    is_locked: bool = False
    usable_from: date | None = None
    temporary_hours: int | None = None
    temporary_reason: str | None = None

    @property
    def is_temporary(self) -> bool:
        """Whether it is a temporary access card, which may be beside a regular one."""
        return self.temporary_hours is not None


AT_ONCE = IssuanceTerms()
"""A regular card, handed over with the PIN that its holder chooses at the desk."""


def require_possible(terms: IssuanceTerms, today: date) -> None:
    """Refuse terms that cannot be.

    Raises:
        InvalidInput
    """
    problems = {}
    if terms.usable_from is not None and (not terms.is_locked or terms.usable_from <= today):
        problems["usable_from"] = "Enter a day after today. A card for later is issued locked."
    if terms.temporary_hours is not None:
        problems |= _temporary_problems(terms)
    if problems:
        raise InvalidInput(problems)


def _temporary_problems(terms: IssuanceTerms) -> dict[str, str]:
    problems = {}
    if terms.temporary_hours not in TEMPORARY_HOURS:
        problems["hours"] = "Choose how long the card is needed."
    if terms.temporary_reason not in TEMPORARY_REASONS:
        problems["temporary_reason"] = "Choose why a temporary card is needed."
    if terms.is_locked:
        problems["way"] = "A temporary card is given to the person at once, with a PIN that they choose."
    return problems
