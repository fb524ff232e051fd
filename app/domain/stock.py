"""The stock of cards: where each card is, from the box of blanks to the shredder, in double entry.

::

    supplier ──► store ──► desk ──► holders ──► lost
    unexpected ─┘  ▲ └──────┴┬────────┘  └─────► destroyed
                   └─────────┘ missing

A posting moves cards from one place to another: every card that it puts somewhere it takes from somewhere, so
debits equal credits by the form of the record. A card's movements are a chain, each beginning where the one
before ended. The supplier, and the unexpected, are where chains begin: their balance is what they owe us.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.card import BLANK, LIVE, Card, CardStatus
from app.errors import Refusal


class PlaceKind(StrEnum):
    """What kind of place a card is in."""

    SUPPLIER = "supplier"
    STORE = "store"
    DESK = "desk"
    HOLDERS = "holders"
    DESTROYED = "destroyed"
    LOST = "lost"
    MISSING = "missing"
    UNEXPECTED = "unexpected"


KEPT = frozenset({PlaceKind.STORE, PlaceKind.DESK})
"""Where the registration authority keeps cards itself, counts them, and takes them from to issue."""

SUPPLIER, HOLDERS, DESTROYED, LOST, MISSING, UNEXPECTED, DESK = (
    "supplier", "holders", "destroyed", "lost", "missing", "unexpected", "desk",
)  # fmt: skip

FIXED_PLACES = (
    (SUPPLIER, PlaceKind.SUPPLIER, "The supplier"),
    (UNEXPECTED, PlaceKind.UNEXPECTED, "From nowhere we know"),
    (DESK, PlaceKind.DESK, "At a desk, drawer not told"),
    (HOLDERS, PlaceKind.HOLDERS, "In the hands of their holders"),
    (LOST, PlaceKind.LOST, "Lost or stolen"),
    (MISSING, PlaceKind.MISSING, "Missing from stock"),
    (DESTROYED, PlaceKind.DESTROYED, "Destroyed"),
)
"""The places that every registration authority has: id, kind and name."""


class PostingKind(StrEnum):
    """Why cards moved."""

    DELIVERED = "delivered"
    UNEXPECTED = "unexpected"
    MOVED = "moved"
    FOLLOWED = "followed"
    WRITTEN_OFF = "written_off"
    FOUND = "found"
    TAKEN_IN = "taken_in"


class UndeliveredCards(StrEnum):
    """What happens when a desk presents a card that no delivery brought."""

    RECORDED = "recorded"
    REFUSED = "refused"


class CardNotDelivered(Refusal):
    """The card in the reader came with no delivery."""

    code = "card_not_delivered"


class CardNotInStock(Refusal):
    """By the ledger the card is not where blank cards are kept."""

    code = "card_not_in_stock"


class CannotMoveCard(Refusal):
    """A card cannot be moved between these places by hand."""

    code = "cannot_move_card"


class PlaceNotUsable(Refusal):
    """The place is not one for this."""

    code = "place_not_usable"


@dataclass(frozen=True)
class Place:
    """A place for cards.

    Attributes:
        organisation_code: whose it is; None for the places that every registration authority has.
        low_at: with so few blank cards, or fewer, it is low; 0 for no warning.
    """

    id: str
    kind: PlaceKind
    name: str
    organisation_code: str | None = None
    low_at: int = 0

    @property
    def is_kept(self) -> bool:
        """Whether cards lie there that the registration authority counts."""
        return self.kind in KEPT


@dataclass(frozen=True)
class StockCard:
    """A card with its place; ``back_number`` is what the supplier printed on it, empty when nothing."""

    card: Card
    place: Place
    back_number: str


@dataclass(frozen=True)
class Movement:
    """One line of the ledger: a card, from where to where, why, and by whom."""

    serial: str
    number: int
    from_place: str
    to_place: str
    kind: PostingKind
    at: datetime
    by_uid: str
    note: str


def place_after(status: CardStatus, place: Place | None) -> str | None:
    """Where a card is once it has that status; None when it stays where it lies.

    A cancelled, damaged or faulty card stays where it is until somebody hands it in.
    """
    if status in LIVE or status is CardStatus.EXPIRED:
        return HOLDERS
    if status in (CardStatus.LOST, CardStatus.STOLEN):
        return LOST
    if status is CardStatus.DESTROYED:
        return DESTROYED
    if status in BLANK and place is not None and not place.is_kept:
        return DESK
    return None


#: States whose card stays where it lies, so that the ledger need not be asked.
STAYING = frozenset(
    {
        CardStatus.ASSIGNED,
        CardStatus.PERSONALISED,
        CardStatus.CANCELLED,
        CardStatus.DAMAGED,
        CardStatus.FAULTY,
    }
)


def require_delivered(serial: str, undelivered: UndeliveredCards) -> None:
    """Refuse a card that the ledger does not know, where the setting says so.

    Raises:
        CardNotDelivered
    """
    if undelivered is UndeliveredCards.REFUSED:
        raise CardNotDelivered(
            f"Card {serial} is in no delivery. Put it aside, tell your RA manager, and take a card from"
            " stock."
        )


def require_in_stock(serial: str, place: Place | None, *, is_missed: bool) -> None:
    """Refuse to issue a card that the ledger says is not in a store or drawer, or that a stock-take missed.

    Raises:
        CardNotInStock
    """
    if is_missed:
        raise CardNotInStock(
            f"Card {serial} was missing at a stock-take. Put it aside and tell your RA manager: the finding"
            " must be settled before it can be issued."
        )
    if place is not None and not place.is_kept:
        raise CardNotInStock(
            f"By the stock ledger card {serial} is not in stock but: {place.name.lower()}. Put it aside and"
            " tell your RA manager."
        )


def require_movable(card: Card, here: Place, there: Place) -> None:
    """Refuse a move by hand that the ledger does not have: those follow from a card's states and stock-takes.

    Cards move between stores and desks; an ended card is handed in from its holder; a blank one can go back
    to the supplier.

    Raises:
        CannotMoveCard
    """
    if here.id == there.id:
        raise CannotMoveCard(f"Card {card.serial} is there already.")
    if there.kind is PlaceKind.SUPPLIER and here.is_kept and card.status in BLANK:
        return
    if not there.is_kept:
        raise CannotMoveCard(f"No card is moved by hand to: {there.name.lower()}.")
    if here.is_kept or here.kind is PlaceKind.LOST:
        return
    if here.kind is PlaceKind.HOLDERS and not card.is_live:
        return
    raise CannotMoveCard(
        f"Card {card.serial} is {card.status.value}; by the ledger: {here.name.lower()}. It cannot be moved."
    )
