"""A card and its holder: the refusals, and which moves are open to whom.

::

    stock ─► assigned ─► personalised ─┬► active ─┬► suspended ─► active
      ▲         │             │        └► locked  ├► expiring ─► expired
      └─────────┘             ▼           ─► active ▼
                          cancelled ◄── lost, stolen, damaged, faulty are ends of their own
                              │
                              └► recycled ─► assigned      every end ─► destroyed

The whole picture is in ``docs/card-life-cycle.md``, made of the table in ``card_move.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.domain.actor import Actor
from app.domain.card_move import LEGAL_MOVES, MOVES, CardMove
from app.domain.card_status import BLANK, LIVE, USABLE, CardStatus
from app.errors import NotPermitted, Refusal

__all__ = [
    "BLANK",
    "LEGAL_MOVES",
    "LIVE",
    "USABLE",
    "Card",
    "CardAlreadyHeld",
    "CardMoveNotAllowed",
    "CardNotBlank",
    "CardStatus",
    "MoveGiven",
    "has_begun",
    "may_give",
    "moves_offered",
    "require_blank",
    "require_legal_move",
    "require_may_give",
    "require_move",
]


def has_begun(usable_from: date | None, today: date) -> bool:
    """Whether the day has come from which a card may be used."""
    return usable_from is None or usable_from <= today


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
    """A card as it is stored.

    Attributes:
        serial: the token's serial number, as the card itself tells it.
        is_temporary: a temporary access card, which its holder may have beside a regular one.
        usable_from: the day from which its holder may use it; None when that is at once.
        replace_for: why a new card shall take its place, while it still works; None when none shall.
    """

    serial: str
    card_profile: str
    holder_uid: str | None
    status: CardStatus
    registered_at: datetime
    activated_at: datetime | None = None
    ended_at: datetime | None = None
    ended_reason: str | None = None
    is_temporary: bool = False
    usable_from: date | None = None
    replace_for: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is its holder's card now, usable or not at the moment."""
        return self.status in LIVE

    def works_on(self, today: date) -> bool:
        """Whether its holder can act with it on this day."""
        return self.status in USABLE and has_begun(self.usable_from, today)


@dataclass(frozen=True)
class MoveGiven:
    """A move that a person gave, as it is stored for good.

    Attributes:
        reason: one of the move's reasons; empty when it takes none.
        witness_uid: the second person who saw it, where the move needs one.
    """

    card_serial: str
    verb: str
    from_status: CardStatus
    to_status: CardStatus
    holder_uid: str | None
    given_by: str
    given_at: datetime
    reason: str = ""
    witness_uid: str | None = None
    note: str = ""


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


def moves_offered(card: Card, actor: Actor) -> tuple[CardMove, ...]:
    """What this actor may do with this card now, on a page or at a desk, in the order of the table."""
    return tuple(
        move
        for move in MOVES
        if move.title and card.status in move.sources and may_give(actor, move, card.holder_uid)
    )


def may_give(actor: Actor, move: CardMove, holder_uid: str | None) -> bool:
    """Whether the actor may give this move for a card of this holder, whatever the card's state."""
    if actor.uid == holder_uid:
        return move.holder_may
    return move.permission is not None and move.permission in actor.permissions


def require_may_give(actor: Actor, move: CardMove, holder_uid: str | None) -> None:
    """Refuse a move that is not this actor's to give.

    Raises:
        NotPermitted
    """
    if may_give(actor, move, holder_uid):
        return
    if actor.uid == holder_uid:
        raise NotPermitted("This is your own card. Ask another RA manager or agent.")
    if move.holder_may:
        raise NotPermitted("You can report your own card only. Ask your Registration Authority about others.")
    raise NotPermitted("Your role does not allow this. If you need it, ask your Registration Authority.")


def require_move(card: Card, move: CardMove) -> None:
    """Refuse a move that does not begin at the card's state.

    Raises:
        CardMoveNotAllowed
    """
    if card.status not in move.sources:
        raise CardMoveNotAllowed(
            f"Card {card.serial} is {card.status.value}: it cannot become {move.to.value} from there."
            " Nothing was changed."
        )
