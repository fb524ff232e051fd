"""The offer to renew one's card: at sign-in, on the start page and on one's own page."""

from __future__ import annotations

from dataclasses import dataclass

from app.ra.renewing import RenewalDue
from app.web.presenters.wording import day


@dataclass(frozen=True)
class RenewalOffer:
    """What is said, and where the one button leads; without an address somebody else must do it."""

    heading: str
    text: str
    href: str
    button: str

    @classmethod
    def of(cls, due: RenewalDue | None) -> RenewalOffer | None:
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
