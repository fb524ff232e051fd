"""Printing card faces: who may, when, and again only with a reason, all on record."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdf
import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.bootstrap.stock import printing_cards
from app.domain.card_face import CannotPrintOwnCard, CardCannotBePrinted, Sides
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.moving_cards import MoveAsked
from app.ra.printing_cards import PrintAsked, PrintingCards
from app.storage.tables.people import person
from tests.support.registration_authority import DeskCard, Office, another


@pytest.fixture
def printing(office: Office) -> PrintingCards:
    return printing_cards(office.ra.database)


def issued(office: Office) -> tuple[str, DeskCard]:
    uid = office.person(another(61)).uid
    return uid, office.card_for(uid)


def test_a_card_is_printed_and_printed_again_with_a_reason(office: Office, printing: PrintingCards) -> None:
    uid, card = issued(office)
    preview = printing.preview(office.manager, card.serial)
    assert (preview.face.uid, preview.face.name, preview.problem) == (uid, "GivenAAGB FamilyAAGB", "")
    assert (preview.face.issue_number, preview.printings) == (1, [])
    pdf = printing.print(office.manager, card.serial, PrintAsked())
    assert "GivenAAGB" in pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    with pytest.raises(InvalidInput, match="printed before"):
        printing.print(office.manager, card.serial, PrintAsked())
    with pytest.raises(InvalidInput, match="printed before"):
        printing.print(office.manager, card.serial, PrintAsked(reason="because"))
    printing.print(office.manager, card.serial, PrintAsked(Sides.FRONT, "misprint", "Ribbon was empty"))
    kept = printing.preview(office.manager, card.serial).printings
    assert [(each.number, each.sides, each.reason, each.note) for each in kept] == [
        (1, Sides.BOTH, "", ""),
        (2, Sides.FRONT, "misprint", "Ribbon was empty"),
    ]
    events = [each for each in office.ra.audited() if each[0] in ("card.printed", "card.reprinted")]
    assert events == [
        ("card.printed", "allowed", ""),
        ("card.printed", "refused", "invalid_input"),
        ("card.reprinted", "refused", "invalid_input"),
        ("card.reprinted", "allowed", ""),
    ]


def test_a_first_print_takes_no_reason(office: Office, printing: PrintingCards) -> None:
    _, card = issued(office)
    with pytest.raises(InvalidInput, match="not printed before"):
        printing.print(office.manager, card.serial, PrintAsked(reason="misprint"))


def test_nobody_prints_their_own_card_nor_without_permission(office: Office, printing: PrintingCards) -> None:
    _, card = issued(office)
    with pytest.raises(CannotPrintOwnCard):
        printing.print(office.manager, office.manager_card.serial, PrintAsked())
    for refused in (office.sponsor, replace(office.manager, permissions=frozenset())):
        with pytest.raises(NotPermitted):
            printing.preview(refused, card.serial)
        with pytest.raises(NotPermitted):
            printing.print(refused, card.serial, PrintAsked())
    with pytest.raises(NotFound):
        printing.print(office.manager, "1", PrintAsked())


def test_a_card_out_of_use_is_not_printed(office: Office, printing: PrintingCards) -> None:
    _, card = issued(office)
    office.ra.card_moves.give(office.manager, card.serial, "report-lost", MoveAsked())
    with pytest.raises(CardCannotBePrinted, match="is lost"):
        printing.preview(office.manager, card.serial)
    with pytest.raises(CardCannotBePrinted, match="is lost"):
        printing.print(office.manager, card.serial, PrintAsked())


@pytest.mark.parametrize(
    ("values", "told"),
    [({"photo": b""}, "no photo"), ({"card_name": "王小明"}, "No font on this server has")],
)
def test_what_cannot_be_printed_is_told_before(
    office: Office, printing: PrintingCards, values: dict[str, object], told: str
) -> None:
    uid, card = issued(office)
    with office.ra.database.change() as work:
        work.connection.execute(update(person).where(person.c.uid == uid).values(values))
    assert told in printing.preview(office.manager, card.serial).problem
    with pytest.raises(CardCannotBePrinted, match=told):
        printing.print(office.manager, card.serial, PrintAsked())


def test_the_next_card_of_a_person_has_the_next_issue_number(office: Office, printing: PrintingCards) -> None:
    uid, first = issued(office)
    office.ra.card_moves.give(office.manager, first.serial, "report-lost", MoveAsked())
    assert printing.preview(office.manager, office.card_for(uid).serial).face.issue_number == 2


def test_the_database_keeps_the_rules_of_printing(office: Office, printing: PrintingCards) -> None:
    uid, card = issued(office)
    printing.print(office.manager, card.serial, PrintAsked())
    copied = (
        "INSERT INTO card_printing SELECT card_serial, holder_uid, {number}, printed_at, {by}, role_profile,"
        " sides, '{reason}', note, digest FROM card_printing"
    )
    for values in (
        {"number": 2, "by": "printed_by", "reason": ""},
        {"number": 2, "by": f"'{uid}'", "reason": "worn"},
        {"number": 1, "by": "printed_by", "reason": ""},
    ):
        statement = text(copied.format(**values))
        with pytest.raises(IntegrityError), office.ra.database.change() as work:
            work.connection.execute(statement)
    with pytest.raises(DBAPIError, match="only grows"), office.ra.database.change() as work:
        work.connection.execute(text("DELETE FROM card_printing"))
