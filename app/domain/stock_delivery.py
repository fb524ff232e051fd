"""A delivery of cards: the supplier's list of serial numbers, checked line by line before it is applied."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.card_kind import CardKind, bare_back_number
from app.errors import Refusal

LARGEST_LIST = 5 * 1024 * 1024
"""In bytes."""
MOST_CARDS = 10_000
"""In one list: so many are applied in about a second."""
_SERIAL = re.compile(r"[0-9A-Za-z-]{1,40}")


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PREVIEWED = "previewed"
    APPLIED = "applied"
    DISCARDED = "discarded"


class DeliveryDecided(Refusal):
    """The delivery was applied or discarded already."""

    code = "delivery_decided"


@dataclass(frozen=True)
class DeliveredCard:
    """A card of a list: serial number as the card tells it, card profile, printed back number or nothing."""

    serial: str
    card_profile: str
    back_number: str


@dataclass(frozen=True)
class RefusedLine:
    """A line that is not loaded: its number, how it begins, and why."""

    line: int
    row: str
    reason: str


@dataclass(frozen=True)
class Delivery:
    """A list as it was handed in, and what became of it.

    Attributes:
        cards: those that can be loaded; after it was applied, those that were.
        refused: the lines that are not loaded.
    """

    id: str
    file_name: str
    digest: str
    supplier: str
    place_id: str
    status: DeliveryStatus
    handed_in_by: str
    handed_in_at: datetime
    cards: tuple[DeliveredCard, ...]
    refused: tuple[RefusedLine, ...]
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True)
class DeliverySummary:
    """A list as a table of lists shows it: with the numbers of its cards and of its refused lines."""

    id: str
    file_name: str
    supplier: str
    status: DeliveryStatus
    handed_in_at: datetime
    cards: int
    refused: int


def require_previewed(delivery: Delivery) -> None:
    """Refuse to decide on a delivery a second time.

    Raises:
        DeliveryDecided
    """
    if delivery.status is not DeliveryStatus.PREVIEWED:
        raise DeliveryDecided(f"This delivery is {delivery.status.value} already. Nothing was changed.")


def card_of(row: Mapping[str, str], kinds: Mapping[str, CardKind]) -> DeliveredCard | str:
    """The card of a row with ``serial``, ``card_profile`` and perhaps ``back_number``; or what is wrong."""
    card = DeliveredCard(
        row.get("serial", "").strip(),
        row.get("card_profile", "").strip(),
        bare_back_number(row.get("back_number", "")),
    )
    return _problem(card, kinds) or card


def _problem(card: DeliveredCard, kinds: Mapping[str, CardKind]) -> str:
    if not _SERIAL.fullmatch(card.serial):
        return "The serial number must be 1 to 40 letters, digits or hyphens."
    kind = kinds.get(card.card_profile)
    if kind is None:
        return f"There is no card profile {card.card_profile!r}. There are: {', '.join(sorted(kinds))}."
    if card.back_number and not kind.is_back_number(card.back_number):
        return f"The back number must have the form {kind.back_number} (N a digit, A a letter or digit)."
    return ""


def duplicate(
    card: DeliveredCard, serials: Collection[str], back_numbers: Collection[str], where: str
) -> str:
    """Why a card is not loaded that is there already; empty when it is new."""
    if card.serial in serials:
        return f"Card {card.serial} is {where} already."
    if card.back_number and card.back_number in back_numbers:
        return f"A card with the back number {card.back_number} is {where} already."
    return ""
