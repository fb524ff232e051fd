"""Cards in the database, with the escrow of their SO PINs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.card import (
    BLANK,
    LIVE,
    Card,
    CardAlreadyHeld,
    CardStatus,
    MoveGiven,
    require_legal_move,
)
from app.storage.conflicts import conflict_means
from app.storage.prepared import Prepared
from app.storage.stock import Stock, in_parts
from app.storage.tables import cards as tables
from app.storage.tables.card_life import card_move

_card, _escrow, _certificate = tables.card, tables.so_pin_escrow, tables.certificate
# A temporary card is near its end from its first day: it only ends.
_regular_and_active = (_card.c.status == CardStatus.ACTIVE.value, _card.c.is_temporary.is_(False))
# What a blank card has forgotten of its holder.
_BLANK_VALUES: dict[str, object] = {
    "holder_uid": None,
    "activated_at": None,
    "ended_at": None,
    "ended_reason": None,
    "is_temporary": False,
    "usable_from": None,
}

_ADD, _ADD_ESCROW, _ADD_MOVE = Prepared(insert(_card)), Prepared(insert(_escrow)), insert(card_move)
_OF_SERIAL = select(_card).where(_card.c.serial == bindparam("serial"))
_BY_SERIAL, _BY_SERIAL_TO_CHANGE = Prepared(_OF_SERIAL), Prepared(_OF_SERIAL.with_for_update())
_OF_HOLDER = Prepared(
    select(_card)
    .where(_card.c.holder_uid == bindparam("holder_uid"))
    .order_by(_card.c.registered_at.desc(), _card.c.serial)
)
_CHANGE = Prepared(
    update(_card).where(_card.c.serial == bindparam("of_serial")).values(version=_card.c.version + 1)
)


def _newest_so_pin(made_in: ColumnElement[bool]) -> Prepared:
    newest = select(func.max(_escrow.c.id)).where(made_in).scalar_subquery()
    return Prepared(update(_escrow).where(_escrow.c.id == newest))


_NEWEST_SO_PIN_OF_ISSUANCE = _newest_so_pin(_escrow.c.issuance_id == bindparam("made_in"))
_NEWEST_SO_PIN_OF_CARD = _newest_so_pin(_escrow.c.card_serial == bindparam("made_in"))


class Cards:
    """Every card that the registration authority has seen. The stock ledger follows each move."""

    def __init__(self, connection: Connection, stock: Stock) -> None:
        self._connection = connection
        self._stock = stock

    def add(self, card: Card) -> None:
        """Keep a card that a desk presents and no delivery brought."""
        self.add_delivered([card])
        self._stock.add_unexpected(card.serial)

    def add_delivered(self, cards: Sequence[Card]) -> None:
        """Keep cards whose posting in the stock ledger is the caller's."""
        _ADD.change_each(self._connection, [{**vars(card), "status": card.status.value} for card in cards])

    def known(self, serials: Collection[str]) -> set[str]:
        """Those of the serial numbers that a card has already."""
        known: set[str] = set()
        for some in in_parts(serials):
            known |= set(self._connection.scalars(select(_card.c.serial).where(_card.c.serial.in_(some))))
        return known

    def get(self, serial: str) -> Card | None:
        """The card with this serial number."""
        return self._one(_BY_SERIAL, serial)

    def get_to_change(self, serial: str) -> Card | None:
        """The card with this serial number; nobody else can move it until this transaction ends."""
        return self._one(_BY_SERIAL_TO_CHANGE, serial)

    def _one(self, chosen: Prepared, serial: str) -> Card | None:
        row = chosen.first(self._connection, {"serial": serial})
        return _card_of(row) if row else None

    def of(self, uid: str) -> list[Card]:
        """Every card of a person, newest first."""
        return [_card_of(row) for row in _OF_HOLDER.rows(self._connection, {"holder_uid": uid})]

    def live_of(self, uid: str) -> Card | None:
        """The person's regular card that is theirs now."""
        return self._live_of(uid, is_temporary=False)

    def temporary_of(self, uid: str) -> Card | None:
        """The person's temporary access card that is theirs now."""
        return self._live_of(uid, is_temporary=True)

    def _live_of(self, uid: str, *, is_temporary: bool) -> Card | None:
        live = (card for card in self.of(uid) if card.status in LIVE)
        return next((card for card in live if card.is_temporary is is_temporary), None)

    def assign(
        self, card: Card, holder_uid: str, *, is_temporary: bool = False, usable_from: date | None = None
    ) -> None:
        """Set a blank card aside for its new holder."""
        self._move(
            card,
            CardStatus.ASSIGNED,
            holder_uid=holder_uid,
            is_temporary=is_temporary,
            usable_from=usable_from,
        )

    def move(self, card: Card, to: CardStatus) -> None:
        """Move a card to a state that keeps its holder, or back to stock.

        Raises:
            CardMoveNotAllowed, CardAlreadyHeld
        """
        with conflict_means(_already_held()):
            self._move(card, to, **(_BLANK_VALUES if to in BLANK else {}))

    def activate(self, card: Card, at: datetime, to: CardStatus = CardStatus.ACTIVE) -> None:
        """Make the card its holder's working card; one that is issued locked is ``to`` locked.

        Raises:
            CardMoveNotAllowed, CardAlreadyHeld
        """
        with conflict_means(_already_held()):
            self._move(card, to, activated_at=at)

    def end(self, card: Card, to: CardStatus, at: datetime, reason: str) -> None:
        """End the card's use.

        Raises:
            CardMoveNotAllowed
        """
        self._move(card, to, ended_at=at, ended_reason=reason)

    def _move(self, card: Card, to: CardStatus, **values: object) -> None:
        require_legal_move(card, to)
        _CHANGE.change(self._connection, {"of_serial": card.serial, "status": to.value, **values})
        self._stock.follow(card, to)

    def keep_move(self, given: MoveGiven) -> None:
        """Keep a move that a person gave, for good."""
        self._connection.execute(_ADD_MOVE, asdict(given))

    def moves_of(self, serial: str) -> list[MoveGiven]:
        """Every move that a person gave to this card, oldest first."""
        chosen = select(card_move).where(card_move.c.card_serial == serial).order_by(card_move.c.id)
        return [_move_of(row) for row in self._connection.execute(chosen)]

    def escrow(
        self,
        serial: str,
        wrapped_so_pin: bytes,
        at: datetime,
        *,
        issuance_id: str | None = None,
        job_id: str | None = None,
    ) -> None:
        """Keep a wrapped SO PIN beside the earlier ones of the card; it was made in the issuance or job."""
        made_for = {"card_serial": serial, "issuance_id": issuance_id, "job_id": job_id}
        _ADD_ESCROW.change(
            self._connection, {**made_for, "wrapped_so_pin": wrapped_so_pin, "recorded_at": at}
        )

    def confirm_so_pin(
        self, at: datetime, *, issuance_id: str | None = None, card_serial: str | None = None
    ) -> None:
        """Record that the card has the newest SO PIN that was made for it: in the issuance, or at all."""
        newest = _NEWEST_SO_PIN_OF_ISSUANCE if issuance_id else _NEWEST_SO_PIN_OF_CARD
        newest.change(self._connection, {"made_in": issuance_id or card_serial, "confirmed_at": at})

    def is_so_pin_being_changed(self, serial: str) -> bool:
        """Whether one SO PIN of the card is known and a newer one, which it may have taken, is in escrow."""
        of_card = select(_escrow.c.confirmed_at).where(_escrow.c.card_serial == serial)
        rows = list(self._connection.scalars(of_card.order_by(_escrow.c.id)))
        return bool(rows) and rows[-1] is None and any(rows)

    def mark_so_pin_seen(self, serial: str, at: datetime) -> None:
        """Record that every SO PIN that the card may have was given away: to people, or to a ward."""
        unseen = (_escrow.c.card_serial == serial) & _escrow.c.seen_at.is_(None)
        self._connection.execute(update(_escrow).where(unseen).values(seen_at=at))

    def is_so_pin_seen(self, serial: str) -> bool:
        """Whether the SO PIN that the card is known to have was given out."""
        known = (_escrow.c.card_serial == serial) & _escrow.c.confirmed_at.is_not(None)
        latest = select(_escrow.c.seen_at).where(known).order_by(_escrow.c.id.desc()).limit(1)
        return self._connection.scalar(latest) is not None

    def wrapped_so_pins(self, serial: str) -> list[bytes]:
        """The card's wrapped SO PINs: the one it is known to have, then those recorded since, newest first.

        A card of which none is known has all of them.
        """
        of_card = select(_escrow).where(_escrow.c.card_serial == serial).order_by(_escrow.c.id.desc())
        rows = list(self._connection.execute(of_card))
        known = next((row for row in rows if row.confirmed_at is not None), None)
        if known is None:
            return [row.wrapped_so_pin for row in rows]
        since = [row.wrapped_so_pin for row in rows if row.id > known.id]
        return [known.wrapped_so_pin, *since]

    def mark_for_replacement(self, serial: str, reason: str) -> None:
        """The card goes on working until a new one takes its place; ``reason`` is why its use ends then."""
        self._connection.execute(update(_card).where(_card.c.serial == serial).values(replace_for=reason))

    def growing_old(self, soon: datetime, now: datetime, limit: int) -> list[tuple[str, datetime]]:
        """Live cards, by serial, whose state is behind the first end of their certificates, with that end.

        An active card is when its certificates end before ``soon``, any other when they have ended. So is a
        temporary one: it is not renewed.
        """
        ends_at = func.min(_certificate.c.not_after)
        chosen = (
            select(_card.c.serial, ends_at)
            .join(_certificate, _certificate.c.card_serial == _card.c.serial)
            .where(_certificate.c.status == "active", _certificate.c.not_after <= soon)
            .where(_card.c.status.in_([status.value for status in LIVE]))
            .group_by(_card.c.serial, _card.c.status, _card.c.is_temporary)
            .having(or_(ends_at < now, and_(*_regular_and_active, ends_at <= soon)))
            .order_by(_card.c.serial)
            .limit(limit)
        )
        return [(serial, ends) for serial, ends in self._connection.execute(chosen)]


def _already_held() -> CardAlreadyHeld:
    return CardAlreadyHeld("This person already has a working card. Cancel that card first.")


def _card_of(row: Row[tuple[object, ...]]) -> Card:
    row_fields = row._asdict()
    fields = {name: row_fields[name] for name in Card.__dataclass_fields__}
    return Card(**{**fields, "status": CardStatus(fields["status"])})


def _move_of(row: Row[tuple[object, ...]]) -> MoveGiven:
    fields = {name: row._mapping[name] for name in MoveGiven.__dataclass_fields__}
    statuses = {name: CardStatus(fields[name]) for name in ("from_status", "to_status")}
    return MoveGiven(**{**fields, **statuses})
