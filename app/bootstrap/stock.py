"""Makes what keeps the stock of cards and prints them; a part of the composition root."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from app.adapters.card_press import CardPress
from app.ca_files import CONFIG
from app.domain import card_kind
from app.domain.card_kind import CardKind
from app.ra.counting_cards import CountingCards
from app.ra.delivering_cards import DeliveringCards
from app.ra.desk_jobs import DeskPolicy
from app.ra.printing_cards import PrintingCards
from app.ra.stock import StockAbilities
from app.ra.stocking_cards import StockingCards
from app.storage.database import Database

_PROFILES = CONFIG / "card_profiles.toml"


def card_kinds() -> Mapping[str, CardKind]:
    """The kinds of card that there are, by card profile."""
    return card_kind.parse(tomllib.loads(_PROFILES.read_text()))


def stock_abilities(database: Database, card_profile: str = DeskPolicy.card_profile) -> StockAbilities:
    """What keeps the stock of cards. A card that a count finds is taken in as the kind that desks issue."""
    kinds = card_kinds()
    return StockAbilities(
        StockingCards(database),
        DeliveringCards(database, kinds),
        CountingCards(database, card_profile),
        kinds,
    )


def printing_cards(database: Database) -> PrintingCards:
    """What prints card faces, with the fonts of this machine."""
    return PrintingCards(database, CardPress(), card_kinds())
