"""Everything that is done with the stock of cards, as one thing for pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.card_kind import CardKind
from app.ra.counting_cards import CountingCards
from app.ra.delivering_cards import DeliveringCards
from app.ra.stocking_cards import StockingCards


@dataclass(frozen=True)
class StockAbilities:
    """Places and moves, deliveries, stock-takes; and the kinds of card that there are, by card profile."""

    stocking: StockingCards
    delivering: DeliveringCards
    counting: CountingCards
    card_kinds: Mapping[str, CardKind]
