"""The states of a card's life. Which may follow which stands in ``card_move.py``."""

from __future__ import annotations

from enum import StrEnum


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
USABLE = frozenset({CardStatus.ACTIVE, CardStatus.EXPIRING})
"""The states in which its holder can act with a card."""
BLANK = frozenset({CardStatus.STOCK, CardStatus.RECYCLED})
WITHOUT_HOLDER = BLANK | {CardStatus.DESTROYED, CardStatus.DAMAGED, CardStatus.FAULTY}
"""The only states in which a card may be nobody's."""
