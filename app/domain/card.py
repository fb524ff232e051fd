"""A card's life: its states, which may follow which, and the refusals.

::

    stock ─► assigned ─► personalised ─► active ─┬► locked ─► active
      ▲         │             │                  ├► suspended ─► active
      └─────────┘             │                  ├► expiring ─► expired
                              ▼                  ▼
                          cancelled ◄── lost, stolen, damaged, faulty are ends of their own
                              │
                              └► recycled ─► assigned      every end but lost and stolen ─► destroyed

Unlocking, suspending, renewing and recycling are worked by their own use cases; the moves stand here already
so that no use case invents another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.errors import Refusal


class CardStatus(StrEnum):
    """Where a card is in its life."""

    STOCK = "stock"
    ASSIGNED = "assigned"
    PERSONALISED = "personalised"
    ACTIVE = "active"
    LOCKED = "locked"
    SUSPENDED = "suspended"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    RECYCLED = "recycled"
    DESTROYED = "destroyed"
    LOST = "lost"
    STOLEN = "stolen"
    DAMAGED = "damaged"
    FAULTY = "faulty"


LIVE = frozenset({CardStatus.ACTIVE, CardStatus.LOCKED, CardStatus.SUSPENDED, CardStatus.EXPIRING})
BLANK = frozenset({CardStatus.STOCK, CardStatus.RECYCLED})

_ENDS_OF_A_LIVE_CARD = frozenset(
    {CardStatus.LOST, CardStatus.STOLEN, CardStatus.DAMAGED, CardStatus.FAULTY, CardStatus.CANCELLED}
)

LEGAL_MOVES: dict[CardStatus, frozenset[CardStatus]] = {
    CardStatus.STOCK: frozenset(
        {CardStatus.ASSIGNED, CardStatus.DAMAGED, CardStatus.FAULTY, CardStatus.DESTROYED}
    ),
    CardStatus.RECYCLED: frozenset(
        {CardStatus.ASSIGNED, CardStatus.DAMAGED, CardStatus.FAULTY, CardStatus.DESTROYED}
    ),
    CardStatus.ASSIGNED: frozenset({CardStatus.PERSONALISED, CardStatus.STOCK, CardStatus.CANCELLED}),
    CardStatus.PERSONALISED: frozenset({CardStatus.ACTIVE, CardStatus.CANCELLED}),
    CardStatus.ACTIVE: _ENDS_OF_A_LIVE_CARD
    | {CardStatus.LOCKED, CardStatus.SUSPENDED, CardStatus.EXPIRING, CardStatus.EXPIRED},
    CardStatus.LOCKED: _ENDS_OF_A_LIVE_CARD | {CardStatus.ACTIVE, CardStatus.EXPIRED},
    CardStatus.SUSPENDED: _ENDS_OF_A_LIVE_CARD | {CardStatus.ACTIVE, CardStatus.EXPIRED},
    CardStatus.EXPIRING: _ENDS_OF_A_LIVE_CARD
    | {CardStatus.ACTIVE, CardStatus.LOCKED, CardStatus.SUSPENDED, CardStatus.EXPIRED},
    CardStatus.EXPIRED: _ENDS_OF_A_LIVE_CARD | {CardStatus.ACTIVE, CardStatus.RECYCLED, CardStatus.DESTROYED},
    CardStatus.CANCELLED: frozenset({CardStatus.RECYCLED, CardStatus.DESTROYED}),
    CardStatus.DAMAGED: frozenset({CardStatus.DESTROYED}),
    CardStatus.FAULTY: frozenset({CardStatus.DESTROYED}),
    # Whoever finds it hands it in to be destroyed; it never works again.
    CardStatus.LOST: frozenset({CardStatus.DESTROYED}),
    CardStatus.STOLEN: frozenset({CardStatus.DESTROYED}),
    CardStatus.DESTROYED: frozenset(),
}


class CardMoveNotAllowed(Refusal):
    """The card's state does not allow that."""

    code = "card_move_not_allowed"


class CardNotBlank(Refusal):
    """The card in the reader is not one to give to somebody new."""

    code = "card_not_blank"


class CardAlreadyHeld(Refusal):
    """The person has a working card."""

    code = "card_already_held"


@dataclass(frozen=True)
class Card:
    """A card as it is stored. ``serial`` is the token's serial number, as the card itself tells it."""

    serial: str
    card_profile: str
    holder_uid: str | None
    status: CardStatus
    registered_at: datetime
    activated_at: datetime | None = None
    ended_at: datetime | None = None
    ended_reason: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is its holder's card now, usable or not at the moment."""
        return self.status in LIVE


def require_legal_move(card: Card, to: CardStatus) -> None:
    """Refuse a move that a card's life does not have.

    Raises:
        CardMoveNotAllowed
    """
    if to not in LEGAL_MOVES[card.status]:
        raise CardMoveNotAllowed(
            f"Card {card.serial} is {card.status.value} and cannot become {to.value}. Nothing was changed."
        )


def require_blank(card: Card) -> None:
    """Refuse to give a card away that is or was somebody's.

    Raises:
        CardNotBlank
    """
    if card.status not in BLANK:
        raise CardNotBlank(
            f"Card {card.serial} is {card.status.value}. Take a blank card, or clear this one first."
        )
