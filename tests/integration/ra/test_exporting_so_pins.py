"""Two RA managers export a card's SO PIN: who may, what both sign, and that the card gets another one."""

from __future__ import annotations

import pytest

from app.domain.actor import Actor
from app.domain.approval import ApprovalNotValid
from app.domain.card import CardStatus
from app.domain.card_job import (
    AlreadySigned,
    CannotWorkOnOwnCard,
    JobAlreadyOpen,
    JobNotOpen,
    JobStepOutOfOrder,
)
from app.domain.desk_record import JobTokenNotValid
from app.errors import InvalidInput, NotFound, NotPermitted
from tests.support.registration_authority import DeskCard, Office, another, registration
from tests.support.unlocking import CHANGED, KEPT, UnlockDesk

REASON = "The maker's tool must read why it answers no more, ticket 4711"


@pytest.fixture
def second(office: Office) -> Actor:
    """Another RA manager."""
    position = office.position("Second RA manager", "R5080", "B0272", "B0274")
    return office.person(another(7), position)


@pytest.fixture
def second_card(office: Office, second: Actor) -> DeskCard:
    return office.card_for(second.uid)


@pytest.fixture
def card(office: Office) -> DeskCard:
    return office.card_for(office.person(registration()).uid)


def at_the_desk(office: Office, card: DeskCard) -> UnlockDesk:
    job_id = office.ra.unlocks.exporting.begin(office.manager, card.serial, REASON)
    return UnlockDesk(office.ra, office.ra.following_jobs.ticket(office.manager, job_id))


def ended(desk: UnlockDesk, outcome: object = CHANGED) -> None:
    desk.ra.unlocks.exporting.complete(desk.job_token, desk.id, outcome)  # type: ignore[arg-type]


def test_two_managers_export_it_and_the_card_gets_another_one(
    office: Office, card: DeskCard, second: Actor, second_card: DeskCard
) -> None:
    desk = at_the_desk(office, card)
    assert (desk.job["reason"], desk.job["exported"]) == (REASON, False)
    desk.sign(office.manager.uid, office.manager_card)
    with pytest.raises(JobStepOutOfOrder):
        desk.release()
    desk.sign(second.uid, second_card)
    assert desk.release() == [b"wrapped SO PIN"]
    assert desk.reload()["exported"] is True
    order = office.ra.ca.releases[-1]
    assert (order.basis, order.reason, len(order.approvals)) == ("export", REASON, 2)
    with pytest.raises(JobStepOutOfOrder, match="not in escrow"):
        ended(desk)
    desk.change_so_pin(card)
    ended(desk)
    ended(desk)
    with office.ra.database.read() as work:
        assert len(work.cards.wrapped_so_pins(card.serial)) == 1, "the other one is the card's now"
    events = [event for event, outcome, _ in office.ra.audited() if outcome == "allowed"]
    assert events[-5:] == [
        "card_job.approved",
        "so_pin.asked_for",
        "so_pin.exported",
        "so_pin.next_escrowed",
        "so_pin.export_ended",
    ]


def test_the_same_person_does_not_sign_twice(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card)
    desk.sign(office.manager.uid, office.manager_card)
    with pytest.raises(AlreadySigned):
        desk.sign(office.manager.uid, office.manager_card)
    with pytest.raises(JobStepOutOfOrder):
        desk.release()
    assert office.ra.ca.releases == []


def test_who_began_it_signs_first(
    office: Office, card: DeskCard, second: Actor, second_card: DeskCard
) -> None:
    desk = at_the_desk(office, card)
    with pytest.raises(ApprovalNotValid):
        desk.sign(second.uid, second_card)


def test_the_second_must_hold_the_right_too(office: Office, card: DeskCard) -> None:
    desk = at_the_desk(office, card)
    desk.sign(office.manager.uid, office.manager_card)
    with pytest.raises(NotPermitted, match="hold the right"):
        desk.sign(office.sponsor.uid, office.sponsor_card)
    assert office.ra.audited()[-1] == ("card_job.approved", "refused", "not_permitted")


def test_nobody_exports_their_own_or_signs_for_it(
    office: Office, second: Actor, second_card: DeskCard
) -> None:
    with pytest.raises(CannotWorkOnOwnCard):
        office.ra.unlocks.exporting.begin(office.manager, office.manager_card.serial, REASON)
    desk = at_the_desk(office, second_card)
    desk.sign(office.manager.uid, office.manager_card)
    with pytest.raises(CannotWorkOnOwnCard):
        desk.sign(second.uid, second_card)


def test_without_the_right_or_a_reason_nothing_begins(office: Office, card: DeskCard) -> None:
    exporting = office.ra.unlocks.exporting
    with pytest.raises(NotPermitted):
        exporting.begin(office.sponsor, card.serial, REASON)
    with pytest.raises(InvalidInput, match="10 to 300 characters"):
        exporting.begin(office.manager, card.serial, "  because ")
    with pytest.raises(NotFound):
        exporting.begin(office.manager, "00000000", REASON)
    with office.ra.database.change() as work:
        work.cards.move(work.cards.get(card.serial), CardStatus.STOLEN)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        exporting.begin(office.manager, card.serial, REASON)


@pytest.mark.parametrize(
    "changed",
    [{"reason": "To unlock it"}, {"purpose": "unlock"}, {"card_serial": "1"}, {"signed_as": "colleague"}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_signature_for_something_else_is_refused(
    office: Office, card: DeskCard, changed: dict[str, str]
) -> None:
    desk = at_the_desk(office, card)
    with pytest.raises(ApprovalNotValid):
        desk.sign(office.manager.uid, office.manager_card, **changed)


def test_another_desk_needs_both_signatures_again(
    office: Office, card: DeskCard, second: Actor, second_card: DeskCard
) -> None:
    first = at_the_desk(office, card)
    first.sign(office.manager.uid, office.manager_card)
    first.sign(second.uid, second_card)
    other = UnlockDesk(office.ra, office.ra.following_jobs.ticket(office.manager, first.id))
    assert other.job["signed_by"] == []
    with pytest.raises(JobStepOutOfOrder):
        other.release()
    with pytest.raises(JobTokenNotValid):
        first.release()


def test_an_exported_one_is_not_forgotten(
    office: Office, card: DeskCard, second: Actor, second_card: DeskCard
) -> None:
    """A later desk goes on with it, and no other export begins until it has ended."""
    desk = at_the_desk(office, card)
    desk.sign(office.manager.uid, office.manager_card)
    desk.sign(second.uid, second_card)
    with pytest.raises(JobStepOutOfOrder, match="not exported yet"):
        ended(desk, KEPT)
    desk.release()
    with pytest.raises(JobAlreadyOpen):
        at_the_desk(office, card)
    later = UnlockDesk(office.ra, office.ra.following_jobs.ticket(office.manager, desk.id))
    assert later.job["exported"] is True
    ended(later, KEPT)
    assert office.ra.following_jobs.job(office.manager, desk.id).steps[-1].name == "so_pin_kept"
    with pytest.raises(JobNotOpen):
        later.change_so_pin(card)
    at_the_desk(office, card)
