"""The form that asks on which terms a card is issued."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.issuance_terms import TEMPORARY_HOURS, TEMPORARY_REASONS, IssuanceTerms
from app.ra.records import PersonRecord
from app.web.forms.submitted import SubmittedForm

LOCKED, DAY_ONE, TEMPORARY = "locked", "day-one", "temporary"

_WAYS = {
    LOCKED: "Locked, for later: nobody knows its PIN, and the person gets one when the card is unlocked",
    DAY_ONE: "Locked, before the person's first day: it can be used from that day on",
    TEMPORARY: "A temporary access card, for hours or a few days; a regular card is not cancelled by it",
}


def _hours_in_words(hours: int) -> str:
    return f"{hours} hours" if hours < 24 else f"{hours // 24} day{'s' if hours > 24 else ''}"


@dataclass(frozen=True)
class TermsChoices:
    """What the form offers, as the design system's radios take it."""

    ways: tuple[dict[str, str], ...]
    hours: tuple[dict[str, str], ...] = tuple(
        {"value": str(hours), "text": _hours_in_words(hours)} for hours in TEMPORARY_HOURS
    )
    reasons: tuple[dict[str, str], ...] = tuple(
        {"value": name, "text": text} for name, text in TEMPORARY_REASONS.items()
    )

    @classmethod
    def of(cls, record: PersonRecord) -> TermsChoices:
        """What this person can have: one card that works, and one temporary one beside it."""
        live = [each.card for each in record.cards if each.card.is_live]
        taken = {TEMPORARY} if any(card.is_temporary for card in live) else set[str]()
        if any(not card.is_temporary and not card.replace_for for card in live):
            taken |= {LOCKED, DAY_ONE}
        return cls(tuple({"value": name, "text": _WAYS[name]} for name in _WAYS if name not in taken))

    @property
    def offered(self) -> frozenset[str]:
        """The names of the ways."""
        return frozenset(way["value"] for way in self.ways)


def terms_of(form: SubmittedForm) -> IssuanceTerms:
    """The terms that were sent; problems stay with the form's fields."""
    way = form.choice("way", _WAYS, "Choose how the card is issued.")
    if way == TEMPORARY:
        return _temporary_terms(form)
    if way == DAY_ONE:
        first = form.day("usable_from", what="The first day", missing="Enter the person's first day.")
        return IssuanceTerms(is_locked=True, usable_from=first)
    return IssuanceTerms(is_locked=True)


def _temporary_terms(form: SubmittedForm) -> IssuanceTerms:
    offered = [str(hours) for hours in TEMPORARY_HOURS]
    hours = form.choice("hours", offered, "Choose how long the card is needed.")
    reason = form.choice("temporary_reason", TEMPORARY_REASONS, "Choose why a temporary card is needed.")
    return IssuanceTerms(temporary_hours=int(hours) if hours in offered else 0, temporary_reason=reason)
