"""The stock ledger in the database: postings that move cards, and where each card is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from app.domain.actor import Actor
from app.domain.card import BLANK, Card, CardStatus
from app.domain.stock import (
    DESK,
    STAYING,
    UNEXPECTED,
    Movement,
    Place,
    PlaceKind,
    PostingKind,
    StockCard,
    place_after,
)
from app.storage.prepared import Prepared
from app.storage.tables.cards import card as _card
from app.storage.tables.stock import stock_card as _here
from app.storage.tables.stock import stock_movement as _movement
from app.storage.tables.stock import stock_place as _place
from app.storage.tables.stock import stock_posting as _posting

# SQLite takes so many parameters in one statement, and more.
_AT_ONCE = 500

_ADD_MOVEMENT = Prepared(insert(_movement))
_ADD_POSTING = Prepared(insert(_posting).returning(_posting.c.id))
_PLACE_OF = Prepared(
    select(_place).join(_here, _here.c.place_id == _place.c.id).where(_here.c.serial == bindparam("serial"))
)
_WHERE = select(_here.c.serial, _here.c.place_id, _here.c.number)
_LATEST = _WHERE.where(_here.c.serial.in_(bindparam("serials", expanding=True)))
_LATEST_OF_ONE = Prepared(_WHERE.where(_here.c.serial == bindparam("serial")))


class Stock:
    """The ledger, as one transaction sees and writes it.

    Args:
        actor: who moves cards in this transaction.
    """

    def __init__(self, connection: Connection, now: datetime, actor: Actor) -> None:
        self._connection = connection
        self._now = now
        self._actor = actor

    def post(
        self,
        kind: PostingKind,
        serials: Collection[str],
        to_place: str,
        *,
        note: str = "",
        reference: str | None = None,
        source: str = UNEXPECTED,
    ) -> None:
        """Move cards from where each is to a place. The database refuses one that is there already.

        Args:
            source: where cards come from that the ledger does not know yet.
            reference: the delivery or finding that the posting belongs to.
        """
        posting_id = self._add_posting(kind, note, reference)
        for some in in_parts(serials):
            known = self._latest(some)
            rows = [_movement_row(serial, known.get(serial, (source, 0)), to_place) for serial in some]
            _ADD_MOVEMENT.change_each(self._connection, [{**row, "posting_id": posting_id} for row in rows])

    def follow(self, card: Card, to: CardStatus) -> None:
        """Have the ledger follow a card that gets a new status, in the same transaction."""
        if to in STAYING:
            return
        there = place_after(to, here := self.place_of(card.serial))
        if there is not None and there != (here.id if here else None):
            self.post(PostingKind.FOLLOWED, [card.serial], there, note=f"{card.status} to {to}")

    def add_unexpected(self, serial: str) -> None:
        """Post a card that a desk presents and nobody delivered."""
        self.post(PostingKind.UNEXPECTED, [serial], DESK, note="presented at a desk without a delivery")

    def keep_back_numbers(self, numbers: Mapping[str, str]) -> None:
        """Keep what the supplier printed on the cards' backs, by serial."""
        chosen = update(_here).where(_here.c.serial == bindparam("of_card"))
        rows = [{"of_card": serial, "written": number} for serial, number in numbers.items()]
        if rows:
            self._connection.execute(chosen.values(back_number=bindparam("written")), rows)

    def place_of(self, serial: str) -> Place | None:
        """Where the card is; None when the ledger does not know it."""
        row = _PLACE_OF.first(self._connection, {"serial": serial})
        return place_of(row) if row else None

    def card(self, serial: str) -> StockCard | None:
        """One card with its place."""
        return next(iter(self.cards([serial])), None)

    def cards(self, serials: Collection[str], *, to_change: bool = False) -> list[StockCard]:
        """The cards of these serials that the ledger knows, by serial; locked until the end if so asked."""
        found: list[StockCard] = []
        for some in in_parts(serials):
            chosen = _with_places().where(_here.c.serial.in_(some)).order_by(_here.c.serial)
            chosen = chosen.with_for_update(of=_card) if to_change else chosen
            found += [_stock_card(row) for row in self._connection.execute(chosen)]
        return found

    def at(self, place_id: str, limit: int) -> list[StockCard]:
        """Cards that are at a place now, by serial."""
        chosen = _with_places().where(_here.c.place_id == place_id).order_by(_here.c.serial).limit(limit)
        return [_stock_card(row) for row in self._connection.execute(chosen)]

    def serials_at(self, place_id: str) -> set[str]:
        """The serials of every card that is at a place now."""
        return set(self._connection.scalars(select(_here.c.serial).where(_here.c.place_id == place_id)))

    def back_numbers(self, numbers: Collection[str]) -> set[str]:
        """Those of the back numbers that a card has already."""
        taken: set[str] = set()
        for some in in_parts(numbers):
            taken |= set(
                self._connection.scalars(select(_here.c.back_number).where(_here.c.back_number.in_(some)))
            )
        return taken

    def counts(self) -> dict[str, tuple[int, int]]:
        """How many blank cards, and how many others, are at each place now."""
        is_blank = _card.c.status.in_([each.value for each in BLANK])
        chosen = (
            select(_here.c.place_id, is_blank, func.count())
            .join(_card, _card.c.serial == _here.c.serial)
            .group_by(_here.c.place_id, is_blank)
        )
        counted: dict[str, tuple[int, int]] = {}
        for place_id, blank, number in self._connection.execute(chosen):
            blanks, others = counted.get(place_id, (0, 0))
            counted[place_id] = (blanks + number, others) if blank else (blanks, others + number)
        return counted

    def balances(self) -> dict[str, int]:
        """Debits less credits of each place, added up from every movement there ever was."""
        totals: dict[str, int] = {}
        for column, sign in ((_movement.c.to_place, 1), (_movement.c.from_place, -1)):
            for place_id, number in self._connection.execute(select(column, func.count()).group_by(column)):
                totals[place_id] = totals.get(place_id, 0) + sign * number
        return totals

    def begun_at(self) -> dict[str, int]:
        """How many cards' chains begin at each place."""
        chosen = select(_movement.c.from_place, func.count()).where(_movement.c.number == 1)
        begun = self._connection.execute(chosen.group_by(_movement.c.from_place))
        return {place_id: number for place_id, number in begun}  # noqa: C416 - rows are no pairs to mypy

    def without_place(self) -> list[str]:
        """Cards that the ledger does not know, of which there should be none."""
        unknown = select(_card.c.serial).where(_card.c.serial.not_in(select(_here.c.serial)))
        return list(self._connection.scalars(unknown.order_by(_card.c.serial)))

    def movements_of(self, serial: str) -> list[Movement]:
        """A card's movements, from its delivery on."""
        return self._movements(_movement.c.serial == serial, [_movement.c.number], None)

    def movements_at(self, place_id: str, limit: int) -> list[Movement]:
        """The newest movements to or from a place."""
        touches = (_movement.c.to_place == place_id) | (_movement.c.from_place == place_id)
        return self._movements(touches, [_movement.c.posting_id.desc(), _movement.c.serial], limit)

    def _movements(self, condition: Any, order: Sequence[Any], limit: int | None) -> list[Movement]:
        chosen = (
            select(_movement, _posting.c.kind, _posting.c.at, _posting.c.by_uid, _posting.c.note)
            .join(_posting, _posting.c.id == _movement.c.posting_id)
            .where(condition)
            .order_by(*order)
            .limit(limit)
        )
        return [_movement_of(row) for row in self._connection.execute(chosen)]

    def _latest(self, serials: Sequence[str]) -> dict[str, tuple[str, int]]:
        latest: Iterable[Any] = (
            _LATEST_OF_ONE.rows(self._connection, {"serial": serials[0]})
            if len(serials) == 1
            else self._connection.execute(_LATEST, {"serials": serials})
        )
        return {serial: (place, number) for serial, place, number in latest}

    def _add_posting(self, kind: PostingKind, note: str, reference: str | None) -> int:
        row = {
            "at": self._now,
            "kind": kind.value,
            "by_uid": self._actor.uid,
            "role_profile": self._actor.role_profile_id,
            "note": note,
            "reference": reference,
        }
        ((posting_id,),) = _ADD_POSTING.rows(self._connection, row)
        return int(posting_id)


def in_parts(serials: Collection[str]) -> Iterator[list[str]]:
    """Serial numbers in parts for one statement each, in one order, so that no two transactions wait for each
    other.
    """
    ordered = sorted(serials)
    return (ordered[first : first + _AT_ONCE] for first in range(0, len(ordered), _AT_ONCE))


def _movement_row(serial: str, latest: tuple[str, int], to_place: str) -> dict[str, object]:
    from_place, number = latest
    return {
        "serial": serial,
        "number": number + 1,
        "previous_number": number or None,
        "from_place": from_place,
        "to_place": to_place,
    }


def _with_places() -> Any:
    columns = [each.label(f"place_{each.name}") for each in _place.c]
    return (
        select(_card, _here.c.back_number, *columns)
        .join(_here, _here.c.serial == _card.c.serial)
        .join(_place, _place.c.id == _here.c.place_id)
    )


def _stock_card(row: Row[Any]) -> StockCard:
    fields = row._mapping
    card = {name: fields[name] for name in Card.__dataclass_fields__}
    place = {name: fields[f"place_{name}"] for name in Place.__dataclass_fields__}
    return StockCard(
        Card(**{**card, "status": CardStatus(card["status"])}),
        Place(**{**place, "kind": PlaceKind(place["kind"])}),
        fields["back_number"] or "",
    )


def place_of(row: Row[Any]) -> Place:
    """The place of a row."""
    row_fields = row._asdict()
    fields = {name: row_fields[name] for name in Place.__dataclass_fields__}
    return Place(**{**fields, "kind": PlaceKind(fields["kind"])})


def _movement_of(row: Row[Any]) -> Movement:
    fields = {name: row._mapping[name] for name in Movement.__dataclass_fields__}
    return Movement(**{**fields, "kind": PostingKind(fields["kind"])})
