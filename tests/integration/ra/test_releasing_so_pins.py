"""SO PINs released by the real certificate authority: its token unwraps, its own record decides."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from sqlalchemy import update

from app.adapters.ca_client import CaClient
from app.ca.releasing import CodeLimits
from app.domain.actor import Actor
from app.domain.approval import ApprovalNotValid
from app.domain.card import CardStatus
from app.domain.card_job import JobStepOutOfOrder
from app.domain.certificate_order import SignedApproval
from app.domain.desk_record import TicketNotValid
from app.domain.offline_unlock import wrapped_text
from app.domain.so_pin_release import ReleaseBasis, SoPinOutcome, SoPinReleaseOrder
from app.errors import InvalidInput, NotFound, NotPermitted, Refusal
from app.ra.changing_so_pins import SoPinNotSeen
from app.ra.moving_cards import MoveAsked
from app.settings import Settings
from app.storage.database import Database
from app.storage.tables.card_jobs import card_job
from app.storage.tables.cards import so_pin_escrow
from app.storage.tables.people import person
from card_agent.offline_unlock import OfflineUnlock
from tests.support.certificates import authority_in_a_thread
from tests.support.registration_authority import (
    DeskCard,
    Office,
    RegistrationAuthority,
    add_reference_data,
    another,
    founded,
    registration,
)
from tests.support.unlocking import CHANGED, UnlockDesk


class Ward(NamedTuple):
    """A founded office with the real authority, a clinician and the clinician's card."""

    office: Office
    authority: CaClient
    clinician: Actor
    card: DeskCard


@pytest.fixture
def ward(ca_settings: Settings) -> Iterator[Ward]:
    with authority_in_a_thread(ca_settings) as authority:
        database = Database(ca_settings.database.url)
        add_reference_data(database)
        office = founded(RegistrationAuthority(database, authority))
        clinician = office.person(registration())
        yield Ward(office, authority, clinician, office.card_for(clinician.uid))
        database.close()


def at_the_desk(ward: Ward) -> UnlockDesk:
    office = ward.office
    job_id = office.ra.unlocking.begin(office.manager, ward.card.serial)
    desk = UnlockDesk(office.ra, office.ra.following_jobs.ticket(office.manager, job_id))
    desk.sign(office.manager.uid, office.manager_card)
    return desk


def order_of(ward: Ward, desk: UnlockDesk, **changes: object) -> SoPinReleaseOrder:
    """What a taken-over web process would order."""
    with ward.office.ra.database.read() as work:
        kept = work.card_jobs.approvals(desk.id)
    facts = {
        "job_id": desk.id,
        "holder_uid": ward.clinician.uid,
        "card_serial": ward.card.serial,
        "basis": ReleaseBasis.OPERATOR,
        "recipient_key": desk.recipient_key,
        "approvals": tuple(SignedApproval(each.statement, each.signature, each.certificate) for each in kept),
    }
    return SoPinReleaseOrder(**{**facts, **changes})  # type: ignore[arg-type]


def refused(ward: Ward, order: SoPinReleaseOrder) -> str:
    with pytest.raises(Refusal) as refusal:
        ward.authority.release_so_pin(order)
    event, outcome, reason = ward.office.ra.audited()[-1]
    assert (event, outcome, reason) == ("so_pin.released", "refused", refusal.value.code)
    return refusal.value.code


def test_the_desk_gets_the_so_pin_of_that_card_alone(ward: Ward) -> None:
    desk = at_the_desk(ward)
    assert desk.so_pins() == [ward.card.so_pin]
    assert desk.so_pins() == [ward.card.so_pin], "the same order again gives the same"
    released = [event for event, outcome, _ in ward.office.ra.audited() if event == "so_pin.released"]
    assert len(released) == 1
    desk.complete(ward.card)
    assert refused(ward, order_of(ward, desk)) == "release_not_approved"


def test_a_taken_over_web_process_gets_nothing(ward: Ward) -> None:
    desk = at_the_desk(ward)
    managers_card = ward.office.manager_card.serial
    assert refused(ward, order_of(ward, desk, approvals=())) == "release_not_approved"
    assert refused(ward, order_of(ward, desk, card_serial=managers_card)) == "release_not_approved"
    assert refused(ward, order_of(ward, desk, basis=ReleaseBasis.CODE)) == "release_not_approved"
    assert refused(ward, order_of(ward, desk, job_id="0" * 32)) == "release_not_approved"
    assert refused(ward, order_of(ward, desk, recipient_key=b"no key")) == "approval_differs"
    genuine = order_of(ward, desk).approvals[0]
    forged = SignedApproval(genuine.statement, bytes(64), genuine.certificate)
    assert refused(ward, order_of(ward, desk, approvals=(forged,))) == "approval_not_valid"


def test_a_changed_database_gets_no_other_cards_so_pin(ward: Ward) -> None:
    """What lies in escrow names its card, so that rows cannot be exchanged."""
    desk = at_the_desk(ward)
    with ward.office.ra.database.change() as work:
        managers = work.cards.wrapped_so_pins(ward.office.manager_card.serial)[0]
        of_card = so_pin_escrow.c.card_serial == ward.card.serial
        work.connection.execute(update(so_pin_escrow).where(of_card).values(wrapped_so_pin=managers))
    assert refused(ward, order_of(ward, desk)) == "no_so_pin_in_escrow"
    with ward.office.ra.database.change() as work:
        work.connection.execute(update(so_pin_escrow).where(of_card).values(wrapped_so_pin=bytes(384)))
    assert refused(ward, order_of(ward, desk)) == "no_so_pin_in_escrow"


def test_an_operator_whose_right_has_ended_gets_nothing(ward: Ward) -> None:
    desk = at_the_desk(ward)
    with ward.office.ra.database.change() as work:
        closed = update(person).where(person.c.uid == ward.office.manager.uid)
        work.connection.execute(closed.values(status="closed"))
    assert refused(ward, order_of(ward, desk)) == "approver_may_not_unlock"


def test_a_job_of_another_operator_is_not_covered(ward: Ward) -> None:
    desk = at_the_desk(ward)
    with ward.office.ra.database.change() as work:
        changed = update(card_job).where(card_job.c.id == desk.id)
        work.connection.execute(changed.values(operator_uid=ward.office.sponsor.uid))
    assert refused(ward, order_of(ward, desk)) == "release_not_approved"


def test_releases_on_codes_are_counted_by_the_authority_itself(ward: Ward) -> None:
    """Whoever holds the web process and the database can make such jobs, but few of them give an SO PIN."""
    desk = at_the_desk(ward)
    with ward.office.ra.database.change() as work:
        changed = update(card_job).where(card_job.c.id == desk.id)
        work.connection.execute(changed.values(facts={"basis": "code"}, operator_uid=None))
    for _ in range(CodeLimits().of_a_card):
        desk.key = rsa.generate_private_key(65537, 2048)
        assert ward.authority.release_so_pin(order_of(ward, desk, basis=ReleaseBasis.CODE, approvals=()))
    desk.key = rsa.generate_private_key(65537, 2048)
    another = order_of(ward, desk, basis=ReleaseBasis.CODE, approvals=())
    assert refused(ward, another) == "too_many_releases"


# Export by two people

REASON = "The maker's tool must read why it answers no more"


class Pair(NamedTuple):
    """A second RA manager with a card."""

    manager: Actor
    card: DeskCard


@pytest.fixture
def second(ward: Ward) -> Pair:
    position = ward.office.position("Second RA manager", "R5080", "B0272", "B0274")
    manager = ward.office.person(another(7), position)
    return Pair(manager, ward.office.card_for(manager.uid))


def exporting(ward: Ward, second: Pair) -> UnlockDesk:
    office = ward.office
    job_id = office.ra.unlocks.exporting.begin(office.manager, ward.card.serial, REASON)
    desk = UnlockDesk(office.ra, office.ra.following_jobs.ticket(office.manager, job_id))
    desk.sign(office.manager.uid, office.manager_card)
    desk.sign(second.manager.uid, second.card)
    return desk


def export_order(ward: Ward, desk: UnlockDesk, **changes: object) -> SoPinReleaseOrder:
    return order_of(ward, desk, **{"basis": ReleaseBasis.EXPORT, "reason": REASON, **changes})


def test_two_managers_get_the_so_pin_and_then_the_card_has_another(ward: Ward, second: Pair) -> None:
    desk = exporting(ward, second)
    assert desk.so_pins() == [ward.card.so_pin]
    desk.change_so_pin(ward.card)
    ward.office.ra.unlocks.exporting.complete(desk.job_token, desk.id, CHANGED)
    assert refused(ward, export_order(ward, desk)) == "release_not_approved"
    unlocking = at_the_desk(ward)
    assert unlocking.so_pins() == [ward.card.so_pin], "the next desk gets the new one"


def test_a_taken_over_web_process_exports_nothing(ward: Ward, second: Pair) -> None:
    """It has one manager's signature, or one twice, or both for another reason, desk or card."""
    desk = exporting(ward, second)
    genuine = export_order(ward, desk).approvals
    forged = SignedApproval(genuine[1].statement, bytes(64), genuine[1].certificate)
    other_desk = rsa.generate_private_key(65537, 2048).public_key()
    der = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    tried = {
        "release_not_approved": [
            {"approvals": ()},
            {"approvals": genuine[:1]},
            {"approvals": genuine[1:]},
            {"basis": ReleaseBasis.CODE, "approvals": ()},
            {"basis": ReleaseBasis.OPERATOR, "approvals": genuine[:1]},
            {"card_serial": ward.office.manager_card.serial},
        ],
        "approver_may_not_unlock": [{"approvals": (genuine[0], genuine[0])}],
        "approval_not_valid": [{"approvals": (genuine[0], forged)}],
        "approval_differs": [{"reason": "Something else"}, {"recipient_key": other_desk.public_bytes(*der)}],
    }
    for code, orders in tried.items():
        for changes in orders:
            assert refused(ward, export_order(ward, desk, **changes)) == code, changes


def test_signatures_for_unlocking_export_nothing(ward: Ward, second: Pair) -> None:
    """The web process calls an unlocking, for which two managers signed, an export."""
    desk = at_the_desk(ward)
    signed = order_of(ward, desk).approvals
    with ward.office.ra.database.change() as work:
        changed = update(card_job).where(card_job.c.id == desk.id)
        facts = {"basis": "export", "reason": REASON}
        work.connection.execute(changed.values(kind="export", facts=facts))
    approvals = (*signed, signed[0])
    assert refused(ward, export_order(ward, desk, approvals=approvals)) == "approval_differs"


def test_a_manager_whose_right_has_ended_exports_nothing(ward: Ward, second: Pair) -> None:
    desk = exporting(ward, second)
    with ward.office.ra.database.change() as work:
        closed = update(person).where(person.c.uid == second.manager.uid)
        work.connection.execute(closed.values(status="closed"))
    assert refused(ward, export_order(ward, desk)) == "approver_may_not_unlock"


# Clearing


def test_the_so_pin_of_a_cancelled_card_is_released_to_erase_it(ward: Ward) -> None:
    office = ward.office
    office.ra.card_moves.give(office.manager, ward.card.serial, "cancel", MoveAsked("left"))
    job_id = office.ra.clearing.begin(office.manager, ward.card.serial)
    desk = UnlockDesk(office.ra, office.ra.following_jobs.ticket(office.manager, job_id))
    with pytest.raises(Refusal):
        desk.release()
    desk.sign(office.manager.uid, office.manager_card)
    assert desk.so_pins() == [ward.card.so_pin]
    assert refused(ward, order_of(ward, desk, approvals=())) == "release_not_approved"
    office.ra.clearing.finish(desk.job_token, desk.id, objects=[], module="smartcard-hsm")


# Without network


KEY = bytes(range(32))


def registered(ward: Ward) -> str:
    """A computer with a key, as its card agent registers it; its id."""
    workstations = ward.office.ra.unlocks.workstations
    ticket = workstations.invite(ward.office.manager, "Ward 7")
    invited = workstations.invited(ticket)
    escrow = serialization.load_pem_public_key(workstations.escrow_key())
    assert isinstance(escrow, rsa.RSAPublicKey)
    sha1 = hashes.SHA1()
    wrapped = escrow.encrypt(
        wrapped_text(bytes.fromhex(invited.id), KEY), padding.OAEP(padding.MGF1(sha1), sha1, None)
    )
    with pytest.raises(TicketNotValid):
        workstations.register("guess", wrapped)
    workstations.register(ticket, wrapped)
    with pytest.raises(TicketNotValid):
        workstations.register(ticket, wrapped)
    return invited.id


def answered(ward: Ward, challenge: str, card: DeskCard | None = None) -> list[bytes]:
    office, serial = ward.office, (card or ward.card).serial
    job_id = office.ra.unlocks.offline.begin(office.manager, serial, challenge, "called_back", "by Ivo")
    desk = UnlockDesk(office.ra, office.ra.following_jobs.ticket(office.manager, job_id))
    asked = sha256(bytes.fromhex(str(desk.job["challenge"]))).hexdigest()
    desk.sign(office.manager.uid, office.manager_card, recipient_key=asked)
    return desk.release()


@pytest.mark.parametrize("status", [CardStatus.ACTIVE, CardStatus.LOCKED, CardStatus.EXPIRED])
def test_a_challenge_is_answered_for_that_computer_and_card_and_once(ward: Ward, status: CardStatus) -> None:
    with ward.office.ra.database.change() as work:
        found = work.cards.get(ward.card.serial)
        assert found
        if found.status is not status:
            work.cards.move(found, status)
    workstation_id = registered(ward)
    asked = OfflineUnlock.begin(bytes.fromhex(workstation_id), ward.card.serial)
    (answer,) = answered(ward, asked.challenge)
    assert asked.so_pin(answer.decode(), KEY).reveal() == ward.card.so_pin
    assert "card.unlock_response_given" in [event for event, _, _ in ward.office.ra.audited()]
    with pytest.raises(Refusal, match="answered before"):
        answered(ward, asked.challenge)


def test_a_computer_that_is_unknown_or_retired_gets_no_answer(ward: Ward) -> None:
    office, workstation_id = ward.office, registered(ward)
    stranger = OfflineUnlock.begin(b"other", ward.card.serial)
    with pytest.raises(InvalidInput):
        answered(ward, stranger.challenge)
    office.ra.unlocks.workstations.retire(office.manager, workstation_id)
    with pytest.raises(InvalidInput):
        answered(ward, OfflineUnlock.begin(bytes.fromhex(workstation_id), ward.card.serial).challenge)
    with pytest.raises(InvalidInput):
        office.ra.unlocks.offline.begin(office.manager, ward.card.serial, stranger.challenge, "trust me", "")
    with pytest.raises(NotPermitted):
        office.ra.unlocks.workstations.invite(ward.clinician, "Ward 8")


def change_desk(ward: Ward) -> UnlockDesk:
    """The holder at a desk, to give their own card another SO PIN."""
    office = ward.office
    job_id = office.ra.unlocks.changing.begin_own(ward.clinician, ward.card.serial)
    return UnlockDesk(office.ra, office.ra.following_jobs.ticket(ward.clinician, job_id))


def test_after_an_offline_unlocking_the_holder_gives_the_card_another_so_pin(ward: Ward) -> None:
    office, changing = ward.office, ward.office.ra.unlocks.changing
    assert changing.due(ward.clinician.uid) == []
    with pytest.raises(SoPinNotSeen):
        change_desk(ward)
    asked = OfflineUnlock.begin(bytes.fromhex(registered(ward)), ward.card.serial)
    answered(ward, asked.challenge)
    assert changing.due(ward.clinician.uid) == [ward.card.serial]
    with pytest.raises(NotFound):
        changing.begin_own(office.manager, ward.card.serial)
    desk = change_desk(ward)
    with pytest.raises(JobStepOutOfOrder):
        desk.release()
    with pytest.raises(ApprovalNotValid):
        desk.sign(office.manager.uid, office.manager_card, signed_as="holder")
    desk.sign(ward.clinician.uid, ward.card, signed_as="holder")
    assert desk.so_pins() == [ward.card.so_pin]
    with pytest.raises(JobStepOutOfOrder, match="not in escrow"):
        changing.complete(desk.job_token, desk.id, CHANGED)
    desk.change_so_pin(ward.card)
    changing.complete(desk.job_token, desk.id, CHANGED)
    changing.complete(desk.job_token, desk.id, CHANGED)
    assert changing.due(ward.clinician.uid) == []
    assert office.ra.details_of("so_pin.changed")[-1]["so_pin"] == "changed"
    assert at_the_desk(ward).so_pins() == [ward.card.so_pin], "the new one is the card's"


def test_a_change_that_was_not_made_is_due_as_before(ward: Ward) -> None:
    asked = OfflineUnlock.begin(bytes.fromhex(registered(ward)), ward.card.serial)
    answered(ward, asked.challenge)
    changing, desk = ward.office.ra.unlocks.changing, change_desk(ward)
    again = change_desk(ward)
    assert again.id == desk.id, "an open one is gone on with"
    again.sign(ward.clinician.uid, ward.card, signed_as="holder")
    again.so_pins()
    changing.complete(again.job_token, again.id, SoPinOutcome(is_changed=False, reason="The card kept it."))
    assert changing.due(ward.clinician.uid) == [ward.card.serial]
    assert ward.office.ra.details_of("so_pin.changed")[-1]["so_pin_reason"] == "The card kept it."


def test_a_taken_over_web_process_changes_no_so_pin_that_was_not_given_away(ward: Ward) -> None:
    """Even with the holder's own signature; and with nobody else's, nor that of another of their cards."""
    with ward.office.ra.database.change() as work:
        work.cards.mark_so_pin_seen(ward.card.serial, work.now)
    desk = change_desk(ward)
    desk.sign(ward.clinician.uid, ward.card, signed_as="holder")
    with pytest.raises(Refusal) as refusal:
        desk.release()
    assert refusal.value.code == "too_many_releases"
    with ward.office.ra.database.read() as work:
        job = work.card_jobs.get(desk.id)
    assert job is not None
    own = job.facts["own_signature"]
    assert isinstance(own, dict)
    genuine = SignedApproval(**{name: b64decode(str(value)) for name, value in own.items()})
    change = {"basis": ReleaseBasis.HOLDER}
    assert refused(ward, order_of(ward, desk, approvals=(), **change)) == "release_not_approved"
    managers = desk.signed_by(ward.office.manager.uid, ward.office.manager_card, signed_as="holder")
    assert refused(ward, order_of(ward, desk, approvals=(managers,), **change)) == "release_not_approved"
    other_desk = order_of(ward, desk, approvals=(genuine,), recipient_key=b"another key", **change)
    assert refused(ward, other_desk) == "approval_differs"
    with_two = order_of(ward, desk, approvals=(genuine, genuine), **change)
    assert refused(ward, with_two) == "release_not_approved"
