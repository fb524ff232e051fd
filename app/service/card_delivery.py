"""The first box of blank cards: delivered to the desk by a serial list, through the product's own import."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from app.bootstrap.stock import stock_abilities
from app.domain.actor import Actor
from app.domain.founding import founding_file_from_untrusted
from app.domain.permission import Permission
from app.domain.stock import PlaceKind
from app.domain.stock_delivery import DeliveredCard, DeliveryStatus
from app.ra.delivering_cards import SerialList
from app.ra.stock import StockAbilities
from app.service.files import write_whole
from app.service.known_people import FOUNDING_FILE
from app.service.layout import Layout
from app.service.telling import Terminal
from app.storage.database import Database
from virtual_card import Desk
from virtual_card.pcsc import PcscDesk

CARDS = 12
PLACE = "Card desk"
SUPPLIER = "Box of cards in software"
LOW_AT = 3
_CLERK = Actor("system:first-start", "first-start", permissions=frozenset({Permission.KEEP_STOCK}))


def deliver_first_cards(layout: Layout, database: Database, terminal: Terminal) -> None:
    """Fill the desk's box and take its cards into stock, once. Goes on where it was killed."""
    stock = stock_abilities(database, layout.card_profile)
    deliveries = stock.delivering.deliveries(_CLERK)
    if any(each.status is DeliveryStatus.APPLIED for each in deliveries):
        return
    with terminal.step(f"Delivering {CARDS} blank cards by their serial list"):
        waiting = [each.id for each in deliveries if each.status is DeliveryStatus.PREVIEWED]
        applied = stock.delivering.apply(_CLERK, waiting[0] if waiting else _hand_in(layout, stock))
    terminal.say(f"    {len(applied.cards)} cards to: {PLACE}; {len(applied.refused)} lines refused")


def _hand_in(layout: Layout, stock: StockAbilities) -> str:
    desk = PcscDesk(layout.desk) if layout.has_readers else Desk(layout.desk)
    cards = desk.fill_box(CARDS, profile=layout.card_profile)
    content = _serial_list([DeliveredCard(each.serial, each.profile, each.back_number) for each in cards])
    file = layout.desk / "delivery.csv"
    write_whole(file, content)
    return stock.delivering.hand_in(_CLERK, SerialList(file.name, content.encode(), SUPPLIER, _place(stock)))


def _place(stock: StockAbilities) -> str:
    places = (each.place for each in stock.stocking.state(_CLERK).places)
    known = next((place.id for place in places if place.name == PLACE), None)
    organisation = founding_file_from_untrusted(FOUNDING_FILE.read_bytes()).organisation_code
    return known or stock.stocking.add_place(_CLERK, PLACE, PlaceKind.DESK, organisation, LOW_AT)


def _serial_list(cards: Sequence[DeliveredCard]) -> str:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(("serial", "card_profile", "back_number"))
    writer.writerows((each.serial, each.card_profile, each.back_number) for each in cards)
    return written.getvalue()
