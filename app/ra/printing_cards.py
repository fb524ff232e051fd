"""Printing card faces: look at front and back, print now or later, and again with a reason.

What is printed leaves as a PDF of the card's size and is not kept; that it was printed, by whom and why is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from app.domain.actor import Actor
from app.domain.card import Card
from app.domain.card_face import (
    REPRINT_REASONS,
    CardCannotBePrinted,
    CardFace,
    Layout,
    Printing,
    Sides,
    require_printable,
)
from app.domain.card_kind import CardKind
from app.domain.json_value import JsonValue
from app.domain.permission import Permission
from app.domain.person import Person
from app.domain.stock import StockCard
from app.errors import InvalidInput, NotFound
from app.ra.ports import AuditLog

_LONGEST_NOTE = 500


class Press(Protocol):
    """``app.adapters.card_press``: what draws card faces."""

    def layout(self, face: CardFace) -> Layout:
        """Where everything is, with texts as wide as the fonts write them."""

    def without_letters(self, text: str) -> str:
        """Those characters of the text that no font here can print."""

    def pdf(self, face: CardFace, layout: Layout, sides: Sides, at: datetime) -> bytes:
        """The PDF, one page of ID-1 for each side. Raises CardCannotBePrinted: the photo cannot be read."""


class Cards(Protocol):
    """``app.storage.cards``."""

    def get(self, serial: str) -> Card | None: ...
    def get_to_change(self, serial: str) -> Card | None: ...
    def of(self, uid: str) -> list[Card]: ...


class People(Protocol):
    """``app.storage.people``."""

    def get(self, uid: str) -> Person | None: ...
    def photo(self, uid: str) -> bytes | None: ...
    def names(self, uids: Sequence[str]) -> dict[str, str]: ...


class Stock(Protocol):
    """``app.storage.stock``."""

    def card(self, serial: str) -> StockCard | None: ...


class Printings(Protocol):
    """``app.storage.card_printings``."""

    def of(self, serial: str, holder_uid: str) -> list[Printing]: ...
    def add(self, serial: str, holder_uid: str, by: Actor, printing: Printing, digest: str) -> None: ...


class Work(Protocol):
    """One open transaction."""

    @property
    def now(self) -> datetime: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def cards(self) -> Cards: ...
    @property
    def people(self) -> People: ...
    @property
    def stock(self) -> Stock: ...
    @property
    def card_printings(self) -> Printings: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[Work]:
        """A read-only snapshot."""

    def audited(
        self, actor: Actor, event: str, subject: str, **details: JsonValue
    ) -> AbstractContextManager[Work]:
        """One transaction with exactly one audit event, allowed or refused."""


@dataclass(frozen=True)
class CardPreview:
    """A card face as it would be printed, and how often it was.

    Attributes:
        problem: why it cannot be printed now; empty when it can.
        names: of who printed it, by user id.
    """

    face: CardFace
    layout: Layout
    problem: str
    printings: Sequence[Printing]
    names: Mapping[str, str]


@dataclass(frozen=True)
class PrintAsked:
    """What somebody answers to the questions of the page."""

    sides: Sides = Sides.BOTH
    reason: str = ""
    note: str = ""


class PrintingCards:
    """Prints card faces.

    Args:
        kinds: the kinds of card, by card profile: how each writes the number on its back.
    """

    def __init__(self, database: Database, press: Press, kinds: Mapping[str, CardKind]) -> None:
        self._database = database
        self._press = press
        self._kinds = kinds

    def preview(self, actor: Actor, serial: str) -> CardPreview:
        """The face of a card.

        Raises:
            NotPermitted, NotFound, CannotPrintOwnCard, CardCannotBePrinted
        """
        actor.require(Permission.PRINT_CARD)
        with self._database.read() as work:
            card = _required(work.cards.get(serial), serial)
            holder = require_printable(card, actor.uid)
            face = self._face(work, card, holder)
            printings = work.card_printings.of(serial, holder)
            names = work.people.names([each.printed_by for each in printings])
        return CardPreview(face, self._press.layout(face), self._problem(face), printings, names)

    def print(self, actor: Actor, serial: str, asked: PrintAsked) -> bytes:
        """The PDF for the card printer; that it was printed is on record. Again, it takes a reason.

        Raises:
            NotPermitted, NotFound, CannotPrintOwnCard, CardCannotBePrinted
            InvalidInput: under ``reason``.
        """
        event = "card.reprinted" if asked.reason else "card.printed"
        with self._database.audited(actor, event, serial, sides=asked.sides.value) as work:
            actor.require(Permission.PRINT_CARD)
            card = _required(work.cards.get_to_change(serial), serial)
            holder = require_printable(card, actor.uid)
            face = self._face(work, card, holder)
            if problem := self._problem(face):
                raise CardCannotBePrinted(problem)
            number = _next_number(work.card_printings.of(serial, holder), asked)
            pdf = self._press.pdf(face, self._press.layout(face), asked.sides, work.now)
            note = asked.note.strip()[:_LONGEST_NOTE]
            printing = Printing(number, work.now, actor.uid, asked.sides, asked.reason, note)
            digest = sha256(pdf).hexdigest()
            work.card_printings.add(serial, holder, actor, printing, digest)
            work.audit.details(uid=holder, number=number, digest=digest, reason_given=asked.reason, note=note)
            return pdf

    def _face(self, work: Work, card: Card, holder: str) -> CardFace:
        person, stock = work.people.get(holder), work.stock.card(card.serial)
        assert person is not None, "a holder is a person"
        kind, back = self._kinds.get(card.card_profile), stock.back_number if stock else ""
        return CardFace(
            serial=card.serial,
            uid=holder,
            name=person.card_name or person.name,
            photo=work.people.photo(holder) or b"",
            issue_number=_issue_number(work, card, holder),
            back_number=kind.written(back) if kind else back,
        )

    def _problem(self, face: CardFace) -> str:
        if not face.photo:
            return "There is no photo of the holder. Register one, then print the card."
        if missing := self._press.without_letters(face.name):
            return (
                f"No font on this server has the letters {' '.join(missing[:10])}. Have a font with them"
                " installed (docs/printing.md), or change the name on the card."
            )
        return ""


def _required(card: Card | None, serial: str) -> Card:
    if card is None:
        raise NotFound(f"There is no card {serial}.")
    return card


def _issue_number(work: Work, card: Card, holder: str) -> int:
    """How many cards the person had before this one, and one."""
    given = [each.activated_at for each in work.cards.of(holder) if each.serial != card.serial]
    until = card.activated_at or work.now
    return 1 + sum(1 for at in given if at is not None and at < until)


def _next_number(printings: Sequence[Printing], asked: PrintAsked) -> int:
    """The number of this printing; a reason belongs to every one but the first.

    Raises:
        InvalidInput
    """
    if printings and asked.reason not in REPRINT_REASONS:
        raise InvalidInput({"reason": "This card was printed before. Choose why it is printed again."})
    if not printings and asked.reason:
        raise InvalidInput({"reason": "This card was not printed before, so there is no reason to give."})
    return len(printings) + 1
