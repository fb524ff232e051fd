"""Deliveries of blank cards: hand in the supplier's list of serial numbers, look at it, have it applied.

A bad line costs only itself and is explained; duplicates are refused. What is refused when the list is
applied, because it came by another way meanwhile, is told with the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.card import Card, CardStatus
from app.domain.card_kind import CardKind
from app.domain.permission import Permission
from app.domain.stock import SUPPLIER, PostingKind
from app.domain.stock_delivery import (
    LARGEST_LIST,
    MOST_CARDS,
    DeliveredCard,
    Delivery,
    DeliveryStatus,
    DeliverySummary,
    RefusedLine,
    card_of,
    duplicate,
    require_previewed,
)
from app.errors import InvalidInput, NotFound
from app.ra.ids import new_record_id
from app.ra.importing import SourceFile, lines
from app.ra.importing_csv import without_trailing_columns
from app.ra.importing_rows import Line, RefusedRow
from app.ra.stocking_cards import require_kept_place
from app.ra.stocking_ports import Database, Work

SHOWN = 50
_COLUMNS = ("serial", "card_profile", "back_number")
_REFUSED_KEPT = 1000


@dataclass(frozen=True)
class SerialList:
    """A list that somebody hands in, unread bytes: whose it is, and where the box stands."""

    name: str
    content: bytes
    supplier: str
    place_id: str


class DeliveringCards:
    """Takes serial lists in.

    Args:
        kinds: the kinds of card that there are, by card profile.
    """

    def __init__(self, database: Database, kinds: Mapping[str, CardKind]) -> None:
        self._database = database
        self._kinds = kinds

    def hand_in(self, actor: Actor, handed_in: SerialList) -> str:
        """Read the list and keep what it would do; the delivery's id.

        Raises:
            NotPermitted
            InvalidInput: under ``file``, ``supplier`` or ``place``.
        """
        delivery_id = new_record_id()
        with self._database.audited(
            actor, "stock_delivery.handed_in", delivery_id, file=handed_in.name[:200]
        ) as work:
            actor.require(Permission.KEEP_STOCK)
            delivery = self._previewed(work, actor, delivery_id, handed_in)
            work.stock_deliveries.add(delivery)
            work.audit.details(
                digest=delivery.digest, cards=len(delivery.cards), refused=len(delivery.refused)
            )
        return delivery_id

    def _previewed(self, work: Work, actor: Actor, delivery_id: str, handed_in: SerialList) -> Delivery:
        _require_usable(handed_in)
        require_kept_place(work, handed_in.place_id, "place")
        refused: list[RefusedRow] = []
        found = list(self._cards(handed_in, refused))
        cards = _new_only(work, found, refused)
        return Delivery(
            id=delivery_id,
            file_name=handed_in.name[:200] or "a file",
            digest=hashlib.sha256(handed_in.content).hexdigest(),
            supplier=handed_in.supplier.strip(),
            place_id=handed_in.place_id,
            status=DeliveryStatus.PREVIEWED,
            handed_in_by=actor.uid,
            handed_in_at=work.now,
            cards=tuple(cards),
            refused=tuple(_kept(refused)),
        )

    def _cards(
        self, handed_in: SerialList, refused: list[RefusedRow]
    ) -> Iterator[tuple[Line, DeliveredCard]]:
        """Each line's card that can be used and is not twice in the list."""
        serials: set[str] = set()
        back_numbers: set[str] = set()
        for line, row in _rows(SourceFile(handed_in.name, handed_in.content), refused):
            card = card_of(row, self._kinds)
            problem = (
                card if isinstance(card, str) else duplicate(card, serials, back_numbers, "in this list")
            )
            if isinstance(card, str) or problem:
                refused.append(line.refused(problem))
                continue
            serials.add(card.serial)
            back_numbers.add(card.back_number)
            if len(serials) > MOST_CARDS:
                raise InvalidInput({"file": f"The list has more than {MOST_CARDS:,} cards. Split it."})
            yield line, card

    def deliveries(self, actor: Actor) -> list[DeliverySummary]:
        """The newest deliveries. Raises NotPermitted."""
        actor.require(Permission.KEEP_STOCK)
        with self._database.read() as work:
            return work.stock_deliveries.newest(SHOWN)

    def delivery(self, actor: Actor, delivery_id: str) -> Delivery:
        """One delivery.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.KEEP_STOCK)
        with self._database.read() as work:
            return _required(work.stock_deliveries.get(delivery_id))

    def apply(self, actor: Actor, delivery_id: str) -> Delivery:
        """Take the cards into stock, all in one transaction; what became of the list.

        Raises:
            NotPermitted, NotFound, DeliveryDecided
        """
        with self._database.audited(actor, "stock_delivery.applied", delivery_id) as work:
            actor.require(Permission.KEEP_STOCK)
            delivery = _required(work.stock_deliveries.get_to_decide(delivery_id))
            require_previewed(delivery)
            late: list[RefusedRow] = []
            lines_of_cards = [(Line(delivery.file_name, 0, card.serial, []), card) for card in delivery.cards]
            cards = _new_only(work, lines_of_cards, late)
            if cards:
                _take_in(work, delivery, cards)
            refused = (*delivery.refused, *_kept(late))
            work.stock_deliveries.decide(delivery_id, DeliveryStatus.APPLIED, actor, work.now, cards, refused)
            work.audit.details(cards=len(cards), refused=len(refused), place=delivery.place_id)
            return _required(work.stock_deliveries.get(delivery_id))

    def discard(self, actor: Actor, delivery_id: str) -> None:
        """Throw the list away; nothing of it is applied.

        Raises:
            NotPermitted, NotFound, DeliveryDecided
        """
        with self._database.audited(actor, "stock_delivery.discarded", delivery_id) as work:
            actor.require(Permission.KEEP_STOCK)
            delivery = _required(work.stock_deliveries.get_to_decide(delivery_id))
            require_previewed(delivery)
            work.stock_deliveries.decide(
                delivery_id, DeliveryStatus.DISCARDED, actor, work.now, (), delivery.refused
            )


def _require_usable(handed_in: SerialList) -> None:
    if len(handed_in.content) > LARGEST_LIST:
        raise InvalidInput({"file": f"The list is larger than {LARGEST_LIST // 1024**2} MB. Split it."})
    if not handed_in.supplier.strip():
        raise InvalidInput({"supplier": "Say who delivered the cards."})
    if len(handed_in.supplier.strip()) > 100:
        raise InvalidInput({"supplier": "Use 100 characters or fewer."})


def _rows(file: SourceFile, refused: list[RefusedRow]) -> Iterator[tuple[Line, Mapping[str, str]]]:
    """The rows by the names of the header, which may be in any order and use blanks and capitals."""
    found = lines(file, refused)
    header = [
        each.strip().lower().replace(" ", "_").replace("-", "_")
        for each in next(found, Line(file.name, 1, "", [])).columns
    ]
    for needed in _COLUMNS[:2]:
        if needed not in header:
            raise InvalidInput(
                {"file": f"The list has no column {needed}. Its first line must be: {','.join(_COLUMNS)}"}
            )
    for line in found:
        columns = without_trailing_columns(line.columns, len(header))
        if len(columns) == len(header):
            yield line, dict(zip(header, columns, strict=True))
        else:
            refused.append(line.refused(f"It has {len(columns)} columns; there must be {len(header)}."))


def _new_only(
    work: Work, found: list[tuple[Line, DeliveredCard]], refused: list[RefusedRow]
) -> list[DeliveredCard]:
    """The cards that the registration authority does not have yet."""
    serials = work.cards.known([card.serial for _, card in found])
    back_numbers = work.stock.back_numbers([card.back_number for _, card in found if card.back_number])
    new: list[DeliveredCard] = []
    for line, card in found:
        problem = duplicate(card, serials, back_numbers, "in stock or in use")
        if problem:
            refused.append(line.refused(problem))
        else:
            new.append(card)
    return new


def _kept(refused: list[RefusedRow]) -> Iterator[RefusedLine]:
    """The first thousand in the order of the lines, so that a file of rubbish fills no memory."""
    for row in sorted(refused, key=lambda each: each.line)[:_REFUSED_KEPT]:
        yield RefusedLine(row.line, row.row.rstrip("\ufffd").strip(), row.reason)
    if len(refused) > _REFUSED_KEPT:
        yield RefusedLine(0, "", f"{len(refused) - _REFUSED_KEPT:,} more lines are refused.")


def _take_in(work: Work, delivery: Delivery, cards: list[DeliveredCard]) -> None:
    work.cards.add_delivered(
        [Card(card.serial, card.card_profile, None, CardStatus.STOCK, work.now) for card in cards]
    )
    work.stock.post(
        PostingKind.DELIVERED,
        [card.serial for card in cards],
        delivery.place_id,
        note=f"delivered by {delivery.supplier}",
        reference=delivery.id,
        source=SUPPLIER,
    )
    work.stock.keep_back_numbers({card.serial: card.back_number for card in cards if card.back_number})


def _required(delivery: Delivery | None) -> Delivery:
    if delivery is None:
        raise NotFound("There is no such delivery.")
    return delivery
