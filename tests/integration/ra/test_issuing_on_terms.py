"""Cards issued locked, before their holders start, and for a short time only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from app.domain.actor import Actor
from app.domain.approval import ApprovalNotValid
from app.domain.card import CardAlreadyHeld, CardStatus
from app.domain.issuance_terms import IssuanceTerms
from app.errors import InvalidInput
from app.ra.moving_cards import MoveAsked
from app.signin.card_checks import require_begun
from app.signin.refusals import CardNotYetUsable
from app.storage.tables.cards import card as card_table
from tests.support.registration_authority import Desk, DeskCard, Office, another, registration, today

SHIFT = IssuanceTerms(temporary_hours=8, temporary_reason="forgotten")


@pytest.fixture
def clinician(office: Office) -> Actor:
    return office.person(registration())


def issued(office: Office, uid: str, terms: IssuanceTerms, **signed: str) -> DeskCard:
    """Issue a card on terms, from beginning to end."""
    issuance_id = office.ra.issuing.begin(office.manager, uid, terms)
    desk = Desk(office.ra.desk_jobs, office.ra.issuing.ticket(office.manager, issuance_id))
    card = office.blank()
    hours = desk.job["temporary_hours"]
    said = {"temporary_hours": str(hours)} if hours else {}
    desk.approve(card, office.manager_card, **(said | signed))
    desk.finish(card)
    return card


def card_of(office: Office, serial: str) -> CardStatus:
    return office.ra.card_moves.life(office.manager, serial).record.card.status


def test_a_card_issued_locked_is_locked_until_it_gets_a_pin(office: Office, clinician: Actor) -> None:
    issuance_id = office.ra.issuing.begin(office.manager, clinician.uid, IssuanceTerms(is_locked=True))
    desk = Desk(office.ra.desk_jobs, office.ra.issuing.ticket(office.manager, issuance_id))
    assert desk.job["is_locked"] is True
    card = office.blank()
    desk.approve(card, office.manager_card)
    desk.finish(card)
    assert card_of(office, card.serial) is CardStatus.LOCKED
    with pytest.raises(CardAlreadyHeld):
        office.ra.issuing.begin(office.manager, clinician.uid)


def test_a_card_for_the_first_day_is_refused_before_it(office: Office, clinician: Actor) -> None:
    first = today() + timedelta(days=3)
    serial = issued(office, clinician.uid, IssuanceTerms(is_locked=True, usable_from=first)).serial
    with office.ra.database.change() as work:
        found = work.cards.get_to_change(serial)
        assert found is not None
        work.cards.move(found, CardStatus.ACTIVE)
    record = office.ra.card_moves.life(office.manager, serial).record
    with office.ra.database.change() as work:
        holder = work.sign_ins.card_holder(record.certificates[0].serial_number)
    assert holder is not None
    with pytest.raises(CardNotYetUsable, match="from your first day"):
        require_begun(holder, first - timedelta(days=1))
    require_begun(holder, first)
    assert not record.card.works_on(first - timedelta(days=1))
    assert record.card.works_on(first)


def test_a_temporary_card_lives_beside_the_regular_one(office: Office, clinician: Actor) -> None:
    regular = office.card_for(clinician.uid)
    temporary = issued(office, clinician.uid, SHIFT)
    assert card_of(office, regular.serial) is CardStatus.ACTIVE
    assert card_of(office, temporary.serial) is CardStatus.ACTIVE
    assert office.ra.ca.orders[-1].temporary_hours == 8
    with pytest.raises(CardAlreadyHeld, match="temporary card"):
        office.ra.issuing.begin(office.manager, clinician.uid, SHIFT)
    office.ra.card_moves.give(office.manager, regular.serial, "report-lost", MoveAsked())
    assert card_of(office, temporary.serial) is CardStatus.ACTIVE
    office.card_for(clinician.uid)


def test_the_database_has_one_temporary_card_a_person(office: Office, clinician: Actor) -> None:
    issued(office, clinician.uid, SHIFT)
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(
            insert(card_table).values(
                serial="second",
                card_profile="softhsm",
                holder_uid=clinician.uid,
                status="active",
                is_temporary=True,
                registered_at=work.now,
            )
        )


@pytest.mark.parametrize("said", [{"temporary_hours": "24"}, {"temporary_hours": "8.0"}])
def test_the_operators_card_signs_for_how_long(
    office: Office, clinician: Actor, said: dict[str, str]
) -> None:
    with pytest.raises(ApprovalNotValid):
        issued(office, clinician.uid, SHIFT, **said)


def test_an_approval_of_a_regular_card_makes_no_temporary_one(office: Office, clinician: Actor) -> None:
    issuance_id = office.ra.issuing.begin(office.manager, clinician.uid, SHIFT)
    desk = Desk(office.ra.desk_jobs, office.ra.issuing.ticket(office.manager, issuance_id))
    with pytest.raises(ApprovalNotValid, match="how long"):
        desk.approve(office.blank(), office.manager_card)


def test_a_temporary_card_ends_by_itself(office: Office, clinician: Actor, aged: Callable[..., None]) -> None:
    serial = issued(office, clinician.uid, SHIFT).serial
    aged(serial)
    assert card_of(office, serial) is CardStatus.EXPIRED


@pytest.fixture
def aged(office: Office) -> Callable[[str], None]:
    """What the worker does once the card's certificates are over."""

    def later(serial: str) -> None:
        with office.ra.database.read() as work:
            ends = work.certificates.of_card(serial)[0].not_after
        with office.ra.database.change() as work:
            [(found, _)] = work.cards.growing_old(ends, ends + timedelta(seconds=1), 1)
            assert found == serial
            card = work.cards.get_to_change(serial)
            assert card is not None
            work.cards.move(card, CardStatus.EXPIRED)

    return later


@pytest.mark.parametrize(
    ("terms", "problem"),
    [
        (IssuanceTerms(is_locked=True, usable_from=date(2020, 1, 1)), "usable_from"),
        (IssuanceTerms(usable_from=date(2999, 1, 1)), "usable_from"),
        (IssuanceTerms(temporary_hours=9, temporary_reason="forgotten"), "hours"),
        (IssuanceTerms(temporary_hours=8, temporary_reason="because"), "temporary_reason"),
        (IssuanceTerms(is_locked=True, temporary_hours=8, temporary_reason="forgotten"), "way"),
    ],
)
def test_terms_that_cannot_be_are_refused(
    office: Office, clinician: Actor, terms: IssuanceTerms, problem: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        office.ra.issuing.begin(office.manager, clinician.uid, terms)
    assert set(refused.value.problems) == {problem}


def test_a_blank_card_has_forgotten_its_last_terms(office: Office, clinician: Actor) -> None:
    issuance_id = office.ra.issuing.begin(office.manager, clinician.uid, SHIFT)
    desk = Desk(office.ra.desk_jobs, office.ra.issuing.ticket(office.manager, issuance_id))
    card = office.blank()
    desk.approve(card, office.manager_card, temporary_hours="8")
    office.ra.issuing.undo(office.manager, issuance_id, "Not needed")
    job_id = office.ra.clearing.begin(office.manager, card.serial)
    token = office.ra.collecting_jobs.claim(office.ra.following_jobs.ticket(office.manager, job_id)).job_token
    office.ra.clearing.finish(token, job_id, objects=[], module="softhsm")
    with office.ra.database.read() as work:
        blank = work.cards.get(card.serial)
    assert blank is not None
    assert (blank.status, blank.is_temporary, blank.holder_uid) == (CardStatus.RECYCLED, False, None)
    other = office.person(another(7))
    assert card_of(office, office.card_for(other.uid).serial) is CardStatus.ACTIVE
