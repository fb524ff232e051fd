"""How the stock of cards is shown: places with their numbers, accounts, and a card's way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.stock import Movement, Place, PlaceKind, PostingKind
from app.domain.stock_take import Finding, FindingKind
from app.ra.stocking_cards import CARDS_SHOWN, CardHistory, PlaceCount, PlacePage, StockState
from app.web.presenters.bars import NamedBars, named_bars
from app.web.presenters.states import card_tag
from app.web.presenters.wording import Cell, Row, TableOf, Tag, counted, moment_cell, process_name

_KINDS = {
    PlaceKind.SUPPLIER: "Supplier",
    PlaceKind.STORE: "Store",
    PlaceKind.DESK: "Desk",
    PlaceKind.HOLDERS: "Holders",
    PlaceKind.DESTROYED: "Destroyed",
    PlaceKind.LOST: "Lost",
    PlaceKind.MISSING: "Missing",
    PlaceKind.UNEXPECTED: "Unexpected",
}
_WHY = {
    PostingKind.DELIVERED: "Delivered",
    PostingKind.UNEXPECTED: "Came unexpected",
    PostingKind.MOVED: "Moved",
    PostingKind.FOLLOWED: "Card changed",
    PostingKind.WRITTEN_OFF: "Written off",
    PostingKind.FOUND: "Found",
    PostingKind.TAKEN_IN: "Taken in",
}
_FINDINGS = {
    FindingKind.MISSING: Tag("Missing", "red"),
    FindingKind.SURPLUS: Tag("Surplus", "orange"),
    FindingKind.WRONG_PLACE: Tag("Wrong place", "yellow"),
    FindingKind.UNEXPECTED: Tag("Unexpected", "orange"),
}
_LOW = Tag("Low", "orange")


@dataclass(frozen=True)
class StockPage:
    """The whole stock.

    Attributes:
        alarms: sentences about what somebody must look at.
    """

    alarms: tuple[str, ...]
    chart: NamedBars
    places: TableOf
    findings: TableOf

    @classmethod
    def of(cls, state: StockState) -> StockPage:
        """The page of the stock as it is."""
        kept = [each for each in state.places if each.place.is_kept]
        return cls(
            alarms=stock_alarms(state),
            chart=named_bars("Blank cards", [(each.place.name, each.blank, each.is_low) for each in kept]),
            places=_places_table(state.places),
            findings=findings_table(state.findings, {each.place.id: each.place for each in state.places}),
        )


def stock_alarms(state: StockState) -> tuple[str, ...]:
    """What somebody must look at, most urgent first."""
    missing, unexpected = state.missing, state.open_counts[FindingKind.UNEXPECTED]
    others = sum(state.open_counts.values()) - missing - unexpected
    alarms = []
    if missing:
        is_are = "is" if missing == 1 else "are"
        alarms.append(f"{counted(missing, 'card')} {is_are} missing from stock.")
    if unexpected:
        alarms.append(f"{counted(unexpected, 'card')} came to a desk without a delivery.")
    if others:
        alarms.append(f"{counted(others, 'other finding')} of stock-takes to settle.")
    alarms += [f"{each.place.name} runs low: {counted(each.blank, 'blank card')} left." for each in state.low]
    return tuple(alarms)


def finding_tag(kind: FindingKind) -> Tag:
    """What a finding is."""
    return _FINDINGS[kind]


def findings_table(findings: Sequence[Finding], places: Mapping[str, Place]) -> TableOf:
    """Findings that somebody must settle."""
    rows = tuple(
        (
            Cell(f"Card {each.serial}", href=f"/card-stock/findings/{each.id}"),
            Cell(tag=finding_tag(each.kind)),
            Cell(places[each.place_id].name),
            moment_cell(each.raised_at),
        )
        for each in findings
    )
    return TableOf("To settle", ("Card", "Finding", "Place", "Raised"), rows, "Nothing waits to be settled.")


def _places_table(places: Sequence[PlaceCount]) -> TableOf:
    rows = tuple(
        (
            Cell(each.place.name, href=f"/card-stock/places/{each.place.id}"),
            Cell(_KINDS[each.place.kind]),
            Cell(f"{each.blank:,}"),
            Cell(f"{each.other:,}"),
            Cell(tag=_LOW) if each.is_low else Cell(f"at {each.place.low_at}" if each.place.low_at else ""),
        )
        for each in places
    )
    return TableOf("Places", ("Place", "Kind", "Blank cards", "Other cards", "Low-stock warning"), rows)


@dataclass(frozen=True)
class PlaceShown:
    """One place with its account."""

    details: tuple[Row, ...]
    cards: TableOf
    account: TableOf
    may_warn: bool
    low_at: int

    @classmethod
    def of(cls, page: PlacePage) -> PlaceShown:
        """The page of a place."""
        place, count = page.count.place, page.count
        details = (
            Row("Kind", _KINDS[place.kind]),
            Row("Organisation", place.organisation_code or ""),
            Row("Blank cards", f"{count.blank:,}", _LOW if count.is_low else None),
            Row("Other cards", f"{count.other:,}"),
        )
        return cls(
            details=tuple(row for row in details if row.value),
            cards=_cards_table(page, count.blank + count.other),
            account=_account(page),
            may_warn=place.is_kept,
            low_at=place.low_at,
        )


def _cards_table(page: PlacePage, in_all: int) -> TableOf:
    rows = tuple(
        (
            Cell(each.card.serial, href=_card_href(each.card.serial)),
            Cell(each.card.card_profile),
            Cell(each.back_number),
            Cell(tag=card_tag(each.card.status)),
        )
        for each in page.cards
    )
    caption = "Cards here" if in_all <= CARDS_SHOWN else f"Cards here: the first {CARDS_SHOWN} of {in_all:,}"
    return TableOf(caption, ("Card", "Card profile", "Back number", "State"), rows, "No card is here.")


def _account(page: PlacePage) -> TableOf:
    place_id = page.count.place.id
    rows = tuple(
        (
            moment_cell(each.at),
            Cell(each.serial, href=_card_href(each.serial)),
            Cell("In" if each.to_place == place_id else "Out"),
            Cell(_name(page.names, each.from_place if each.to_place == place_id else each.to_place)),
            Cell(_why(each)),
            Cell(_name(page.names, each.by_uid)),
        )
        for each in page.movements
    )
    heads = ("When", "Card", "In or out", "From or to", "Why", "By")
    return TableOf("Newest movements", heads, rows, "No card has come or gone.")


@dataclass(frozen=True)
class CardShown:
    """One card in the ledger."""

    details: tuple[Row, ...]
    movements: TableOf

    @classmethod
    def of(cls, history: CardHistory) -> CardShown:
        """The page of a card."""
        card = history.card
        details = (
            Row("State", tag=card_tag(card.card.status)),
            Row("Place", card.place.name, href=f"/card-stock/places/{card.place.id}"),
            Row("Card profile", card.card.card_profile),
            Row("Back number", card.back_number),
        )
        rows = tuple(
            (
                moment_cell(each.at),
                Cell(_name(history.names, each.from_place)),
                Cell(_name(history.names, each.to_place)),
                Cell(_why(each)),
                Cell(_name(history.names, each.by_uid)),
            )
            for each in history.movements
        )
        return cls(
            tuple(row for row in details if row.value or row.tag),
            TableOf("From its delivery on", ("When", "From", "To", "Why", "By"), rows),
        )


def _why(movement: Movement) -> str:
    return f"{_WHY[movement.kind]}: {movement.note}" if movement.note else _WHY[movement.kind]


def _name(names: Mapping[str, str], key: str) -> str:
    return names.get(key) or process_name(key)


def _card_href(serial: str) -> str:
    return f"/card-stock/cards/{serial}"
