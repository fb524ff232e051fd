"""The stock of cards as people keep it: places, what is where, moves, and whether the books are right."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.stock import (
    SUPPLIER,
    UNEXPECTED,
    CannotMoveCard,
    Movement,
    Place,
    PlaceKind,
    PostingKind,
    StockCard,
    require_movable,
)
from app.domain.stock_take import Finding, FindingKind
from app.errors import InvalidInput, NotFound
from app.ra.ids import new_record_id
from app.ra.stocking_ports import Database, Work

CARDS_SHOWN = 200
MOVEMENTS_SHOWN = 50
FINDINGS_SHOWN = 200
MOST_AT_ONCE = 5000
_SOURCES = frozenset({SUPPLIER, UNEXPECTED})


@dataclass(frozen=True)
class PlaceCount:
    """A place with the cards that are there now: blank ones, and others."""

    place: Place
    blank: int
    other: int

    @property
    def is_low(self) -> bool:
        """Whether there are so few blank cards that somebody should be told."""
        return 0 < self.place.low_at >= self.blank


@dataclass(frozen=True)
class StockState:
    """The whole stock: every place with its cards, what nobody has decided on, and how much of each kind."""

    places: Sequence[PlaceCount]
    findings: Sequence[Finding]
    open_counts: dict[FindingKind, int]

    @property
    def missing(self) -> int:
        """How many cards a stock-take missed and nobody has decided on."""
        return self.open_counts[FindingKind.MISSING]

    @property
    def low(self) -> list[PlaceCount]:
        """The places where blank cards run out."""
        return [each for each in self.places if each.is_low]


@dataclass(frozen=True)
class PlacePage:
    """A place with the cards there, and the newest lines of its account; who wrote each by name."""

    count: PlaceCount
    cards: Sequence[StockCard]
    movements: Sequence[Movement]
    names: dict[str, str]


@dataclass(frozen=True)
class CardHistory:
    """A card in the ledger, from its delivery on; names of places and people by id."""

    card: StockCard
    movements: Sequence[Movement]
    names: dict[str, str]


class StockingCards:
    """Keeps the stock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, actor: Actor) -> StockState:
        """What is where, and what nobody has decided on. Raises NotPermitted."""
        actor.require(Permission.KEEP_STOCK)
        with self._database.read() as work:
            findings = work.stock_findings
            return StockState(place_counts(work), findings.open(FINDINGS_SHOWN), findings.open_counts())

    def place(self, actor: Actor, place_id: str) -> PlacePage:
        """One place.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.KEEP_STOCK)
        with self._database.read() as work:
            count = next((each for each in place_counts(work) if each.place.id == place_id), None)
            if count is None:
                raise _no_place()
            movements = work.stock.movements_at(place_id, MOVEMENTS_SHOWN)
            cards = work.stock.at(place_id, CARDS_SHOWN)
            return PlacePage(count, cards, movements, _names(work, movements))

    def card(self, actor: Actor, serial: str) -> CardHistory:
        """One card's way through the stock.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.KEEP_STOCK)
        with self._database.read() as work:
            card = work.stock.card(serial)
            if card is None:
                raise NotFound(f"The stock ledger does not know card {serial}.")
            movements = work.stock.movements_of(serial)
            return CardHistory(card, movements, _names(work, movements))

    def add_place(self, actor: Actor, name: str, kind: PlaceKind, organisation_code: str, low_at: int) -> str:
        """Add a store or drawer; its id.

        Raises:
            NotPermitted
            InvalidInput: under ``name`` or ``organisation``.
        """
        place_id = new_record_id()
        with self._database.audited(actor, "stock_place.added", place_id, name=name.strip()[:100]) as work:
            actor.require(Permission.KEEP_STOCK)
            place = Place(place_id, kind, name.strip(), organisation_code.strip().upper(), low_at)
            _require_usable(work, place)
            work.stock_places.add(place)
            return place_id

    def warn_at(self, actor: Actor, place_id: str, low_at: int) -> None:
        """Set with how few blank cards a place is low; 0 for no warning.

        Raises:
            NotPermitted, NotFound, InvalidInput
        """
        with self._database.audited(actor, "stock_place.warning_set", place_id, low_at=low_at) as work:
            actor.require(Permission.KEEP_STOCK)
            require_kept_place(work, place_id, "low_at")
            work.stock_places.warn_at(place_id, low_at)

    def move(self, actor: Actor, serials: Collection[str], to_place: str, note: str) -> int:
        """Move cards to another place, all or none; how many there were.

        Raises:
            NotPermitted
            InvalidInput: under ``serials``, ``place`` or ``note``.
        """
        with self._database.audited(actor, "stock.moved", to_place, cards=len(serials)) as work:
            actor.require(Permission.KEEP_STOCK)
            there = work.stock_places.get(to_place)
            if there is None:
                raise InvalidInput({"place": "Choose the place to which the cards go."})
            if not note.strip():
                raise InvalidInput({"note": "Say why the cards are moved, or who carries them."})
            _require_all_movable(work, serials, there)
            work.stock.post(PostingKind.MOVED, serials, to_place, note=note.strip()[:500])
            work.audit.details(serials=sorted(serials)[:100], note=note.strip()[:500])
            return len(serials)

    def problems_of_the_books(self) -> list[str]:
        """A sentence for each rule of double entry that the ledger breaks; none when it is sound."""
        with self._database.read() as work:
            return list(_problems(work))

    def counts(self) -> StockState:
        """The numbers alone, for those who operate the service."""
        with self._database.read() as work:
            return stock_counts(work)


def stock_counts(work: Work) -> StockState:
    """Every place with its cards, and how much nobody has decided on."""
    return StockState(place_counts(work), (), work.stock_findings.open_counts())


def place_counts(work: Work) -> list[PlaceCount]:
    """Every place, those where cards are kept first, with its cards."""
    counts = work.stock.counts()
    places = sorted(work.stock_places.all(), key=lambda each: (not each.is_kept, each.name.casefold()))
    return [PlaceCount(place, *counts.get(place.id, (0, 0))) for place in places]


def require_kept_place(work: Work, place_id: str, field: str) -> Place:
    """The place, which must be one where the registration authority keeps cards.

    Raises:
        InvalidInput: under ``field``.
    """
    place = work.stock_places.get(place_id)
    if place is None or not place.is_kept:
        raise InvalidInput({field: "Choose a store or a desk."})
    return place


def serials_from_untrusted(text: str, field: str = "serials") -> list[str]:
    """The serial numbers that somebody typed or scanned, each once: by lines, blanks, commas or semicolons.

    Raises:
        InvalidInput: there is none, there are too many, or one cannot be a serial number.
    """
    found = list(dict.fromkeys(each for each in re.split(r"[\s,;]+", text) if each))
    if not found:
        raise InvalidInput({field: "Enter or scan at least one serial number."})
    if len(found) > MOST_AT_ONCE:
        raise InvalidInput({field: f"Enter at most {MOST_AT_ONCE:,} serial numbers at once."})
    wrong = next((each for each in found if not re.fullmatch(r"[0-9A-Za-z-]{1,40}", each)), None)
    if wrong is not None:
        raise InvalidInput({field: f"{wrong[:60]!r} is no serial number: use letters, digits and hyphens."})
    return found


def _require_usable(work: Work, place: Place) -> None:
    problems: dict[str, str] = {}
    if not place.name or len(place.name) > 100:
        problems["name"] = "Enter a name of 100 characters or fewer."
    elif any(each.name.casefold() == place.name.casefold() for each in work.stock_places.all()):
        problems["name"] = "There is a place of that name already."
    if not place.is_kept:
        problems["kind"] = "Choose whether it is a store or a desk."
    if work.organisations.get(place.organisation_code or "") is None:
        problems["organisation"] = "Enter the code of the organisation to which the place belongs."
    if problems:
        raise InvalidInput(problems)


def _require_all_movable(work: Work, serials: Collection[str], there: Place) -> None:
    known = {each.card.serial: each for each in work.stock.cards(serials, to_change=True)}
    problems = [f"The stock ledger does not know card {each}." for each in serials if each not in known]
    for each in known.values():
        try:
            require_movable(each.card, each.place, there)
        except CannotMoveCard as refusal:
            problems.append(str(refusal))
    if problems:
        more = f" And {len(problems) - 3} more." if len(problems) > 3 else ""
        raise InvalidInput({"serials": f"Nothing was moved. {' '.join(problems[:3])}{more}"})


def _names(work: Work, movements: Sequence[Movement]) -> dict[str, str]:
    places = {each.id: each.name for each in work.stock_places.all()}
    return places | work.people.names({each.by_uid for each in movements})


def _problems(work: Work) -> list[str]:
    balances, begun, counts = work.stock.balances(), work.stock.begun_at(), work.stock.counts()
    problems = [f"Card {serial} is in no place." for serial in work.stock.without_place()[:20]]
    if total := sum(balances.values()):
        problems.append(f"Debits and credits differ by {total}.")
    for place_id in sorted({*balances, *counts}):
        there = sum(counts.get(place_id, (0, 0)))
        balance = balances.get(place_id, 0) + begun.get(place_id, 0)
        if balance != there:
            problems.append(f"{place_id}: the balance is {balance}, but {there} cards are there.")
    problems += [f"Chains begin at {each}." for each in sorted(set(begun) - _SOURCES)]
    return problems


def _no_place() -> NotFound:
    return NotFound("There is no such place for cards.")
