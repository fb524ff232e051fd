"""Renewing a card: from when, by whom, how often, and what its age makes of a card.

A renewal gives a card new keys and certificates beside the old ones. Who may ask for it depends on the day::

    ─────────────┬── opens ──────────────────────┬── the certificates end ───────────────►
    nobody yet   │ the holder, with the card's   │ an RA manager or agent, in person;
                 │ own key; or somebody who may  │ or two colleagues, with their own cards
                 │ renew cards                   │
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.domain.card import CardStatus
from app.errors import Refusal

_ONE_DAY = timedelta(days=1)


class RenewalNotDue(Refusal):
    """The certificates are good for longer than the renewal window."""

    code = "renewal_not_due"


class CardMustBeSeen(Refusal):
    """The holder renewed the card as often as the policy allows without anybody seeing them."""

    code = "card_must_be_seen"


@dataclass(frozen=True)
class RenewalRules:
    """The policy of renewals: data, in ``config/certificate_profiles.toml``.

    Attributes:
        opens_before: how long before a card's certificates end they can be renewed.
        by_holder_in_a_row: how often the holder alone may renew one card before somebody sees them again.
        levelling: by how much at most the end of new certificates is moved forward so that not too many end
            on one day; zero when it is off.
    """

    opens_before: timedelta = timedelta(days=90)
    by_holder_in_a_row: int = 2
    levelling: timedelta = timedelta(0)

    def opens_at(self, ends_at: datetime) -> datetime:
        """From when certificates that end then can be renewed."""
        return ends_at - self.opens_before

    def require_due(self, ends_at: datetime, now: datetime) -> None:
        """Refuse a renewal that nobody needs yet.

        Raises:
            RenewalNotDue
        """
        if now < self.opens_at(ends_at):
            opens = self.opens_at(ends_at).date()
            raise RenewalNotDue(
                f"This card works until {ends_at.date():%-d %B %Y}. It can be renewed from {opens:%-d %B %Y}."
            )

    def require_holder_may_again(self, by_holder_in_a_row: int) -> None:
        """Refuse the holder's own renewal when it is somebody else's turn to see them.

        Raises:
            CardMustBeSeen
        """
        if by_holder_in_a_row >= self.by_holder_in_a_row:
            raise CardMustBeSeen(
                "You have renewed this card yourself as often as is allowed. This time your sponsor or your"
                " Registration Authority must renew it with you."
            )

    def aged(self, status: CardStatus, ends_at: datetime, now: datetime) -> CardStatus:
        """What a live card is, by the date, when its certificates end then."""
        if now > ends_at:
            return CardStatus.EXPIRED
        if status is CardStatus.ACTIVE and now >= self.opens_at(ends_at):
            return CardStatus.EXPIRING
        return status


def levelled_end(latest: datetime, window: timedelta, ending: Mapping[date, int]) -> datetime:
    """The end that new certificates get: the day within the window before ``latest`` on which fewest end.

    Args:
        latest: the end by the certificate profile; never exceeded.
        window: how much earlier the end may be.
        ending: how many cards end on each day already.

    Of days with equally few, the latest is taken, so that nobody's card is shortened without need.
    """
    days = range(window // _ONE_DAY + 1)
    fewest = min(days, key=lambda earlier: (ending.get((latest - earlier * _ONE_DAY).date(), 0), earlier))
    return latest - fewest * _ONE_DAY
