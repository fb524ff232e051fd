"""Unlocking a card: which cards can be unlocked, and what the card must sign once it is."""

from __future__ import annotations

from app.domain.actor import Actor
from app.domain.card import Card, CardMoveNotAllowed, CardStatus
from app.domain.permission import Permission

#: A suspended card is not to be used, whoever knows its PIN; an expired one must be usable to be renewed.
UNLOCKABLE = frozenset({CardStatus.ACTIVE, CardStatus.LOCKED, CardStatus.EXPIRING, CardStatus.EXPIRED})

_PROOF_PREFIX = b"spine-ra/card-unlocked/1:"


def can_be_unlocked(card: Card) -> bool:
    """Whether a new PIN may be set on the card."""
    return card.status in UNLOCKABLE and card.holder_uid is not None


def may_unlock(actor: Actor, card: Card) -> bool:
    """Whether the actor may unlock this card as its operator: never their own."""
    return (
        can_be_unlocked(card) and actor.uid != card.holder_uid and Permission.UNLOCK_CARD in actor.permissions
    )


def require_unlockable(card: Card) -> None:
    """Refuse a card that is not in its holder's use.

    Raises:
        CardMoveNotAllowed
    """
    if not can_be_unlocked(card):
        raise CardMoveNotAllowed(f"Card {card.serial} is {card.status.value} and cannot be unlocked.")


def proof_text(nonce: str) -> bytes:
    """What the card signs with its authentication key and new PIN to show that it works."""
    return _PROOF_PREFIX + nonce.encode()
