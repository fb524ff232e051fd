"""A card becomes blank stock only after its certificates are revoked and its desk has shown it empty."""

from __future__ import annotations

import pytest

from app.domain.actor import Actor
from app.domain.card import CardMoveNotAllowed, CardStatus
from app.domain.card_job import JobAlreadyOpen, JobNotOpen
from app.domain.certificate import CertificateStatus
from app.domain.desk_record import JobTokenNotValid
from app.errors import NotPermitted
from app.ra.clearing import CardNotEmpty
from app.ra.moving_cards import MoveAsked
from tests.support.card_states import card_in
from tests.support.registration_authority import Office, another, registration


@pytest.fixture
def clinician(office: Office) -> Actor:
    return office.person(registration())


@pytest.fixture
def cancelled(office: Office, clinician: Actor) -> str:
    """The serial of a card that was the clinician's."""
    serial = office.card_for(clinician.uid).serial
    office.ra.card_moves.give(office.manager, serial, "cancel", MoveAsked("left"))
    return serial


def at_desk(office: Office, serial: str) -> tuple[str, str]:
    """Begin clearing and claim the job: job token and id."""
    job_id = office.ra.clearing.begin(office.manager, serial)
    ticket = office.ra.following_jobs.ticket(office.manager, job_id)
    return office.ra.collecting_jobs.claim(ticket).job_token, job_id


def test_an_empty_card_is_blank_stock_again_and_goes_to_somebody_new(office: Office, cancelled: str) -> None:
    token, job_id = at_desk(office, cancelled)
    office.ra.clearing.finish(token, job_id, objects=[], module="softhsm")
    with office.ra.database.read() as work:
        card = work.cards.get(cancelled)
        [*_, given] = work.cards.moves_of(cancelled)
    assert card is not None
    assert (card.status, card.holder_uid, card.ended_reason) == (CardStatus.RECYCLED, None, None)
    assert (given.verb, given.given_by) == ("clear", office.manager.uid)
    assert office.ra.audited()[-1] == ("card.cleared", "allowed", "")
    office.ra.clearing.finish(token, job_id, objects=[], module="softhsm")
    other = office.person(another(3))
    blank = office.blank()
    blank.serial = cancelled
    desk = office.begun(other.uid)
    desk.approve(blank, office.manager_card)
    desk.finish(blank)
    (record,) = office.ra.finding.person(office.manager, other.uid).cards
    assert {each.uid for each in record.certificates} == {other.uid}
    assert len(record.certificates) == 2


def test_a_card_that_still_holds_something_is_not_cleared(office: Office, cancelled: str) -> None:
    token, job_id = at_desk(office, cancelled)
    with pytest.raises(CardNotEmpty, match="private_key 01"):
        office.ra.clearing.finish(token, job_id, objects=["private_key 01"], module="softhsm")
    with office.ra.database.read() as work:
        card = work.cards.get(cancelled)
    assert card is not None
    assert card.status is CardStatus.CANCELLED
    office.ra.clearing.finish(token, job_id, objects=[], module="softhsm")


def test_an_expired_cards_certificates_are_revoked_before_it_is_erased(
    office: Office, clinician: Actor
) -> None:
    serial = office.card_for(clinician.uid).serial
    with office.ra.database.change() as work:
        card = work.cards.get_to_change(serial)
        assert card is not None
        work.cards.move(card, CardStatus.EXPIRED)
    office.ra.clearing.begin(office.manager, serial)
    with office.ra.database.read() as work:
        states = {each.status for each in work.certificates.of_card(serial)}
    assert states == {CertificateStatus.REVOKED}
    with pytest.raises(JobAlreadyOpen):
        office.ra.clearing.begin(office.manager, serial)


def test_a_card_in_use_lost_or_stolen_is_never_cleared(office: Office, clinician: Actor) -> None:
    never = sorted(set(CardStatus) - {CardStatus.CANCELLED, CardStatus.EXPIRED})
    for number, status in enumerate(never, 10):
        serial = card_in(office.ra.database, status, office.person(another(number)).uid)
        with pytest.raises(CardMoveNotAllowed):
            office.ra.clearing.begin(office.manager, serial)


def test_nobody_clears_their_own_card_or_without_the_right(office: Office, cancelled: str) -> None:
    with pytest.raises(NotPermitted):
        office.ra.clearing.begin(office.sponsor, cancelled)
    own = card_in(office.ra.database, CardStatus.CANCELLED, office.manager.uid)
    with pytest.raises(NotPermitted, match="your own card"):
        office.ra.clearing.begin(office.manager, own)


def test_a_strange_desk_clears_nothing(office: Office, cancelled: str) -> None:
    _, job_id = at_desk(office, cancelled)
    with pytest.raises(JobTokenNotValid):
        office.ra.clearing.finish("somebody else's", job_id, objects=[], module="softhsm")


def test_a_job_that_was_given_up_clears_nothing(office: Office, cancelled: str) -> None:
    token, job_id = at_desk(office, cancelled)
    office.ra.following_jobs.undo(office.manager, job_id, "The card is cracked")
    with pytest.raises((JobTokenNotValid, JobNotOpen)):
        office.ra.clearing.finish(token, job_id, objects=[], module="softhsm")
