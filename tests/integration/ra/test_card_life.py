"""The life of a card: every state with every move, in the domain, in both databases and in the use case."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from app.domain.card import Card, CardMoveNotAllowed, CardStatus, MoveGiven, moves_offered
from app.domain.card_move import LEGAL_MOVES, MOVES, CardMove, Place
from app.domain.certificate import CertificateStatus
from app.errors import InvalidInput, NotPermitted
from app.ra.moving_cards import MoveAsked
from app.storage.database import Database
from app.storage.tables.card_life import card_move
from app.storage.tables.cards import card
from tests.support.card_states import card_in
from tests.support.registration_authority import Office, another

PAGE_MOVES = [move for move in MOVES if move.place is Place.PAGE]


def answers(move: CardMove, witness_uid: str) -> MoveAsked:
    """What the move asks for."""
    return MoveAsked(next(iter(move.reasons), ""), witness_uid if move.witnessed else "")


def test_the_database_refuses_every_move_that_the_table_does_not_have(office: Office) -> None:
    database, uid = office.ra.database, office.person(another(1)).uid
    for start in CardStatus:
        serial = card_in(database, start, uid)
        allowed = set()
        for to in CardStatus:
            if _is_taken(database, serial, to):
                allowed.add(to)
        assert allowed == LEGAL_MOVES[start] | {start}, start
        _remove(database, serial)


def _is_taken(database: Database, serial: str, to: CardStatus) -> bool:
    """Whether the database takes the change, which is then taken back."""
    try:
        with database.change() as work:
            work.connection.execute(update(card).where(card.c.serial == serial).values(status=to.value))
            raise _TakenBackError
    except _TakenBackError:
        return True
    except IntegrityError:
        return False


class _TakenBackError(Exception):
    """Rolls a transaction back."""


def _known(found: Card | None) -> Card:
    assert found is not None
    return found


def _remove(database: Database, serial: str) -> None:
    with database.change() as work:
        work.connection.execute(card.delete().where(card.c.serial == serial))


def test_every_state_and_move_agree_in_domain_and_use_case(office: Office) -> None:
    moves, database, witness = office.ra.card_moves, office.ra.database, office.sponsor.uid
    for number, status in enumerate(CardStatus):
        for place, move in enumerate(PAGE_MOVES):
            uid = office.person(another(100 + number * len(PAGE_MOVES) + place)).uid
            serial = card_in(database, status, uid)
            with database.read() as work:
                offered = moves_offered(_known(work.cards.get(serial)), office.manager)
            assert (move in offered) == (status in move.sources), (status, move.verb)
            if move in offered:
                moves.give(office.manager, serial, move.verb, answers(move, witness))
                assert moves.life(office.manager, serial).record.card.status is move.to
            else:
                with pytest.raises(CardMoveNotAllowed, match="Nothing was changed"):
                    moves.give(office.manager, serial, move.verb, answers(move, witness))


def test_a_suspended_card_is_resumed_with_the_same_certificates(office: Office) -> None:
    clinician = office.person(another(1))
    serial = office.card_for(clinician.uid).serial
    moves = office.ra.card_moves
    before = len(office.ra.announced())
    moves.give(office.manager, serial, "suspend", MoveAsked("away", note="Until May"))
    suspended = moves.life(office.manager, serial).record
    assert suspended.card.status is CardStatus.SUSPENDED
    assert {each.status for each in suspended.certificates} == {CertificateStatus.ACTIVE}
    assert office.ra.announced()[before:] == [("directory.person", clinician.uid)]
    moves.give(office.manager, serial, "resume", MoveAsked("returned"))
    life = moves.life(office.manager, serial)
    assert life.record.card.status is CardStatus.ACTIVE
    assert [(given.verb, given.reason, by.uid) for given, by in life.moves] == [
        ("suspend", "away", office.manager.uid),
        ("resume", "returned", office.manager.uid),
    ]
    assert life.moves[0][0].note == "Until May"


def test_nobody_moves_their_own_card_but_to_report_it(office: Office) -> None:
    serial, moves = office.manager_card.serial, office.ra.card_moves
    for verb in ("suspend", "cancel", "destroy"):
        with pytest.raises(NotPermitted, match="your own card"):
            moves.give(office.manager, serial, verb, MoveAsked("away"))
    assert [move.verb for move in moves.life(office.manager, serial).offered] == [
        "report-lost",
        "report-stolen",
        "report-damaged",
        "report-faulty",
    ]
    with pytest.raises(InvalidInput):
        moves.give(office.manager, serial, "report-damaged", MoveAsked("misused"))
    moves.give(office.manager, serial, "report-stolen", MoveAsked())
    assert moves.life(office.manager, serial).record.card.status is CardStatus.STOLEN


@pytest.mark.parametrize(
    "wrong",
    [
        {"given_by": "holder"},
        {"verb": "destroy", "from_status": "expired", "to_status": "destroyed", "witness_uid": None},
        {"verb": "destroy", "from_status": "expired", "to_status": "destroyed", "witness_uid": "manager"},
        {"verb": "resume", "from_status": "lost", "to_status": "active"},
        {"verb": "repaint"},
    ],
)
def test_the_database_keeps_no_move_that_nobody_may_give(office: Office, wrong: dict[str, str]) -> None:
    holder = office.person(another(1)).uid
    serial = card_in(office.ra.database, CardStatus.ACTIVE, holder)
    people = {"holder": holder, "manager": office.manager.uid}
    row = {
        "card_serial": serial,
        "verb": "suspend",
        "from_status": "active",
        "to_status": "suspended",
        "holder_uid": holder,
        "given_by": office.manager.uid,
        "reason": "away",
        "note": "",
    }
    changed = {name: people.get(value, value) if value else value for name, value in wrong.items()}
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(insert(card_move).values({**row, "given_at": work.now, **changed}))


def test_destroying_is_recorded_with_the_way_and_a_witness(office: Office) -> None:
    clinician = office.person(another(1))
    serial, moves = office.card_for(clinician.uid).serial, office.ra.card_moves
    moves.give(office.manager, serial, "report-damaged", MoveAsked("broken"))
    for wrong in ("", "999999999999", office.manager.uid):
        with pytest.raises(InvalidInput) as refused:
            moves.give(office.manager, serial, "destroy", MoveAsked("punched", wrong))
        assert set(refused.value.problems) == {"witness"}
    moves.give(office.manager, serial, "destroy", MoveAsked("punched", office.sponsor.uid))
    life = moves.life(office.manager, serial)
    given: MoveGiven = life.moves[-1][0]
    assert (given.verb, given.reason, given.witness_uid) == ("destroy", "punched", office.sponsor.uid)
    assert life.offered == ()
    assert office.ra.audited()[-1] == ("card.destroyed", "allowed", "")


def test_a_reason_is_one_of_the_moves(office: Office) -> None:
    serial = office.card_for(office.person(another(1)).uid).serial
    for reason in ("", "returned", "because"):
        with pytest.raises(InvalidInput):
            office.ra.card_moves.give(office.manager, serial, "suspend", MoveAsked(reason))


def test_what_a_card_is_nobody_without_rights_learns(office: Office) -> None:
    stranger = office.person(another(1))
    for serial in (office.manager_card.serial, "no-such-card"):
        with pytest.raises(NotPermitted):
            office.ra.card_moves.life(stranger, serial)
        with pytest.raises(NotPermitted):
            office.ra.card_moves.give(stranger, serial, "suspend", MoveAsked("away"))
