"""Unlocking cards: who may, what must be signed, and what a desk gets. On every kind of database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from app.domain.actor import Actor
from app.domain.approval import ApprovalNotValid
from app.domain.card import CardMoveNotAllowed, CardStatus
from app.domain.card_job import (
    CannotWorkOnOwnCard,
    JobNotOpen,
    JobStepOutOfOrder,
)
from app.domain.desk_record import JobTokenNotValid, TicketNotValid
from app.domain.issuance import ProofNotValid
from app.errors import NotFound, NotPermitted, Refusal
from app.storage.tables.card_jobs import card_job, card_job_approval
from tests.support.registration_authority import DeskCard, Office, registration
from tests.support.unlocking import CHANGED, KEPT, UnlockDesk


@pytest.fixture
def holder(office: Office) -> Actor:
    return office.person(registration())


@pytest.fixture
def card(office: Office, holder: Actor) -> DeskCard:
    return office.card_for(holder.uid)


def at_the_desk(office: Office, card: DeskCard, operator: Actor | None = None) -> UnlockDesk:
    operator = operator or office.manager
    job_id = office.ra.unlocking.begin(operator, card.serial)
    return UnlockDesk(office.ra, office.ra.following_jobs.ticket(operator, job_id))


def set_status(office: Office, card: DeskCard, status: CardStatus) -> None:
    """As if it had come to be so."""
    with office.ra.database.change() as work:
        work.cards.move(work.cards.get(card.serial), status)  # type: ignore[arg-type]


def test_an_operator_unlocks_somebody_elses_card(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card)
    assert desk.job["basis"] == "operator"
    desk.sign(office.manager.uid, office.manager_card)
    assert desk.release() == [b"wrapped SO PIN"]
    desk.complete(card)
    desk.complete(card)
    order = office.ra.ca.releases[0]
    assert (order.card_serial, order.job_id, len(order.approvals)) == (card.serial, desk.id, 1)
    events = [event for event, outcome, _ in office.ra.audited() if outcome == "allowed"]
    assert events[-5:] == [
        "card_job.ticket_given",
        "card_job.claimed",
        "card_job.approved",
        "so_pin.asked_for",
        "card.unlocked",
    ]


def test_a_sponsor_unlocks(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card, office.sponsor)
    desk.sign(office.sponsor.uid, office.sponsor_card)
    desk.release()
    desk.complete(card)
    assert office.ra.following_jobs.job(office.sponsor, desk.id).status == "done"


def test_nobody_unlocks_their_own_card_as_an_operator(office: Office) -> None:
    with pytest.raises(CannotWorkOnOwnCard):
        office.ra.unlocking.begin(office.manager, office.manager_card.serial)
    assert office.ra.audited()[-1] == ("card_job.begun", "refused", "cannot_work_on_own_card")


def test_without_the_right_nobody_unlocks(office: Office, holder: Actor) -> None:
    with pytest.raises(NotPermitted):
        office.ra.unlocking.begin(holder, office.manager_card.serial)


@pytest.mark.parametrize("status", [CardStatus.SUSPENDED, CardStatus.CANCELLED, CardStatus.LOST])
def test_a_card_out_of_use_is_not_unlocked(office: Office, card: DeskCard, status: CardStatus) -> None:
    set_status(office, card, status)
    with pytest.raises((CardMoveNotAllowed, NotFound)):
        office.ra.unlocking.begin(office.manager, card.serial)


@pytest.mark.parametrize("status", [CardStatus.LOCKED, CardStatus.EXPIRING, CardStatus.EXPIRED])
def test_a_locked_or_old_card_is_unlocked(office: Office, card: DeskCard, status: CardStatus) -> None:
    """Expired certificates do not matter; a card known to be locked is active afterwards."""
    set_status(office, card, status)
    desk = at_the_desk(office, card)
    desk.sign(office.manager.uid, office.manager_card)
    desk.release()
    desk.complete(card)
    with office.ra.database.read() as work:
        now = work.cards.get(card.serial)
    expected = CardStatus.ACTIVE if status is CardStatus.LOCKED else status
    assert now is not None
    assert now.status is expected


@pytest.mark.parametrize(
    "changed",
    [
        {"card_serial": "00000001"},
        {"holder": "555021943108"},
        {"holder_name": "Somebody Else"},
        {"job": "0" * 32},
        {"origin": "https://evil.example"},
        {"signed_as": "colleague"},
        {"signer": "555021943108"},
        {"signed_at": "2020-01-01T00:00:00Z"},
        {"type": "spine-ra/card-issuance/1"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_signature_for_something_else_is_refused(
    office: Office, card: DeskCard, changed: dict[str, str]
) -> None:
    desk = at_the_desk(office, card)
    with pytest.raises(ApprovalNotValid):
        desk.sign(office.manager.uid, office.manager_card, **changed)
    with pytest.raises(JobStepOutOfOrder):
        desk.release()
    assert office.ra.ca.releases == []


def test_a_signature_of_somebody_else_is_refused(office: Office, card: DeskCard, holder: Actor) -> None:
    desk = at_the_desk(office, card)
    with pytest.raises(ApprovalNotValid):
        desk.sign(office.sponsor.uid, office.sponsor_card)
    with pytest.raises(CannotWorkOnOwnCard):
        desk.sign(holder.uid, card)


def test_nothing_is_released_before_it_is_signed(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card)
    with pytest.raises(JobStepOutOfOrder):
        desk.release()
    with pytest.raises(JobStepOutOfOrder):
        desk.complete(card)


def test_the_proof_must_be_the_cards_own(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card)
    desk.sign(office.manager.uid, office.manager_card)
    with pytest.raises(ProofNotValid):
        desk.complete(office.blank())
    with pytest.raises(ProofNotValid):
        desk.complete(replace(card, authentication=card.content_commitment))


def test_a_new_desk_needs_a_new_signature(office: Office, card: DeskCard) -> None:
    """A signature names the key of the desk; after a crash the next desk has another one."""
    desk = at_the_desk(office, card)
    desk.sign(office.manager.uid, office.manager_card)
    again = UnlockDesk(office.ra, office.ra.following_jobs.ticket(office.manager, desk.id))
    with pytest.raises(JobTokenNotValid):
        desk.release()
    again.sign(office.manager.uid, office.manager_card)
    with office.ra.database.read() as work:
        assert len(work.card_jobs.approvals(desk.id)) == 1
    again.release()
    again.complete(card)


def test_beginning_again_gives_the_earlier_job_up(office: Office, card: DeskCard) -> None:
    first = at_the_desk(office, card)
    second = at_the_desk(office, card, office.sponsor)
    with pytest.raises(Refusal) as refused:
        first.sign(office.manager.uid, office.manager_card)
    assert isinstance(refused.value, JobTokenNotValid | JobNotOpen)
    second.sign(office.sponsor.uid, office.sponsor_card)


def test_tickets_are_the_operators_alone_and_good_once(office: Office, card: DeskCard) -> None:
    job_id = office.ra.unlocking.begin(office.manager, card.serial)
    with pytest.raises(NotPermitted):
        office.ra.following_jobs.ticket(office.sponsor, job_id)
    ticket = office.ra.following_jobs.ticket(office.manager, job_id)
    UnlockDesk(office.ra, ticket)
    with pytest.raises(TicketNotValid):
        UnlockDesk(office.ra, ticket)


def test_a_job_that_is_given_up_does_not_go_on(office: Office, card: DeskCard, holder: Actor) -> None:
    desk = at_the_desk(office, card)
    with pytest.raises(NotPermitted):
        office.ra.following_jobs.undo(holder, desk.id, "mine")
    office.ra.following_jobs.undo(office.sponsor, desk.id, "They went home")
    with pytest.raises(JobTokenNotValid):
        desk.sign(office.manager.uid, office.manager_card)


def test_what_failed_at_the_desk_is_on_record(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card)
    office.ra.collecting_jobs.fail(desk.job_token, desk.id, step="set_pin", reason="card_removed: gone")
    shown = office.ra.following_jobs.job(office.manager, desk.id)
    assert (shown.steps[-1].name, shown.steps[-1].outcome) == ("set_pin", "failed")


def test_the_database_refuses_an_operator_who_is_the_holder(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card)
    holder = office.ra.following_jobs.job(office.manager, desk.id).holder.uid
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(update(card_job).where(card_job.c.id == desk.id).values(operator_uid=holder))


def test_the_database_refuses_the_holders_signature(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card)
    holder = office.ra.following_jobs.job(office.manager, desk.id).holder.uid
    row = {"statement": b"s", "signature": b"s", "certificate": b"c", "job_id": desk.id, "signer_uid": holder}
    row["signed_at"] = datetime.now(UTC)
    for claimed_holder in (holder, office.manager.uid):
        values = insert(card_job_approval).values({**row, "holder_uid": claimed_holder})
        with pytest.raises(IntegrityError), office.ra.database.change() as work:
            work.connection.execute(values)


def test_the_card_gets_another_so_pin_which_is_in_escrow_before(office: Office, card: DeskCard) -> None:
    def in_escrow() -> int:
        with office.ra.database.read() as work:
            return len(work.cards.wrapped_so_pins(card.serial))

    desk = at_the_desk(office, card)
    with pytest.raises(JobStepOutOfOrder):
        desk.change_so_pin(card)
    desk.sign(office.manager.uid, office.manager_card)
    desk.release()
    assert desk.released.is_being_changed is False
    with pytest.raises(JobStepOutOfOrder, match="not in escrow"):
        desk.complete(card, CHANGED)
    desk.change_so_pin(card)
    assert in_escrow() == 2, "both are kept until it is known which the card has"
    desk.release()
    assert desk.released.is_being_changed is True
    desk.complete(card, CHANGED)
    assert in_escrow() == 1
    again = at_the_desk(office, card)
    again.sign(office.manager.uid, office.manager_card)
    again.release()
    assert again.released.is_being_changed is False


def test_a_card_that_kept_its_so_pin_keeps_all_that_it_may_have(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card)
    desk.sign(office.manager.uid, office.manager_card)
    desk.release()
    desk.change_so_pin(card)
    desk.complete(card, KEPT)
    with office.ra.database.read() as work:
        assert len(work.cards.wrapped_so_pins(card.serial)) == 2


def test_the_so_pin_that_the_card_took_is_known(office: Office, holder: Actor) -> None:
    """A card that was begun twice has two SO PINs in escrow; the second is the one that it took."""
    desk, card = office.begun(holder.uid), office.blank()
    desk.approve(card, office.manager_card)
    desk.approve(card, office.manager_card)
    desk.finish(card)
    with office.ra.database.read() as work:
        assert len(work.cards.wrapped_so_pins(card.serial)) == 1
