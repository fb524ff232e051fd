"""What is offered to do with one's own card at sign-in, on the start page and on one's own page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.ra.renewing import RenewalDue
from app.web.presenters.wording import day


@dataclass(frozen=True)
class CardOffer:
    """What is said, and where the one button leads; without an address somebody else must do it."""

    heading: str
    text: str
    href: str
    button: str

    @classmethod
    def of(cls, due: RenewalDue | None, seen: Sequence[str] = ()) -> CardOffer | None:
        """Renewing comes first, then another SO PIN for a card whose present one was ``seen``; or None."""
        return cls.to_renew(due) or cls.to_change(seen)

    @classmethod
    def to_change(cls, seen: Sequence[str]) -> CardOffer | None:
        """The offer for the first of the cards whose SO PIN was seen."""
        if not seen:
            return None
        return cls(
            "Change what unlocks your card",
            "What unlocked your card was given away, for example by telephone. Change it, so that nobody "
            "else can unlock the card with it. It takes about a minute. Your PIN stays the same.",
            f"/my/cards/{seen[0]}/change-so-pin",
            "Change it now",
        )

    @classmethod
    def to_renew(cls, due: RenewalDue | None) -> CardOffer | None:
        """The offer for a card that is due, else None."""
        if due is None or due.has_ended:
            return None
        heading = f"Your card expires on {day(due.ends_at.date())}"
        if not due.by_holder:
            return cls(
                heading,
                "You have renewed it yourself as often as is allowed. Before that day, have your sponsor or "
                "your registration authority renew it with you: bring the card.",
                "",
                "",
            )
        text = "It takes about a minute. Keep the card in the reader; you need your PIN once."
        button = "Go on renewing" if due.open_job else "Renew now"
        return cls(heading, text, f"/my/cards/{due.card_serial}/renew", button)
