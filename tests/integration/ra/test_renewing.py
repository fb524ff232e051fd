"""Renewing cards: who may, that nothing is withdrawn before the new certificates were used, and going on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509

from app.domain.approval import ApprovalNotValid
from app.domain.card import CardMoveNotAllowed, CardStatus
from app.domain.card_job import (
    AlreadySigned,
    CannotWorkOnOwnCard,
    JobAlreadyOpen,
    JobNotOpen,
    JobStatus,
    JobStepOutOfOrder,
)
from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.certificate_order import serial_number_text
from app.domain.desk_record import JobTokenNotValid
from app.domain.issuance import CertificateRequestsChanged, ProofNotValid, ReadBackDiffers
from app.domain.renewal import CardMustBeSeen, RenewalNotDue
from app.domain.renewal_job import Signing
from app.errors import NotPermitted, Refusal, Unavailable
from app.ra.moving_cards import MoveAsked
from app.ra.taking_into_use import first_used
from tests.support.registration_authority import DeskCard, Office, another
from tests.support.renewals import (
    RenewalDesk,
    let_certificates_end,
    own_renewal,
    renewal_by,
    soon,
)


def certificates(office: Office, card: DeskCard) -> dict[CertificateStatus, list[CardCertificate]]:
    found: dict[CertificateStatus, list[CardCertificate]] = {status: [] for status in CertificateStatus}
    with office.ra.database.read() as work:
        for each in work.certificates.of_card(card.serial):
            found[each.status].append(each)
    return found


def status_of(office: Office, card: DeskCard) -> CardStatus:
    with office.ra.database.read() as work:
        known = work.cards.get(card.serial)
    assert known is not None
    return known.status


def job_status(office: Office, job_id: str) -> JobStatus:
    with office.ra.database.read() as work:
        job = work.card_jobs.get(job_id)
    assert job is not None
    return job.status


def make(office: Office, card: DeskCard, status: str) -> None:
    """Put the card in that state as its life allows: through the register's own moves."""
    with office.ra.database.change() as work:
        known = work.cards.get_to_change(card.serial)
        assert known is not None
        work.cards.move(known, CardStatus(status))


@pytest.fixture
def due(office: Office) -> Office:
    """The sponsor's card ends in 30 days, and is expiring."""
    let_certificates_end(office, office.sponsor_card, soon(30))
    make(office, office.sponsor_card, "expiring")
    return office


def renewed(office: Office) -> RenewalDesk:
    desk = own_renewal(office, office.sponsor, office.sponsor_card)
    desk.present_keys()
    desk.sign(office.sponsor, office.sponsor_card)
    desk.complete(desk.certify())
    desk.finish()
    return desk


def test_a_holder_renews_their_card_and_the_old_certificates_end_with_the_first_use(due: Office) -> None:
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    old = certificates(due, due.sponsor_card)[CertificateStatus.ACTIVE]
    desk.present_keys()
    desk.sign(due.sponsor, due.sponsor_card)
    nonce = desk.certify()
    before = certificates(due, due.sponsor_card)
    assert before[CertificateStatus.ACTIVE] == old
    assert len(before[CertificateStatus.ISSUED]) == 2
    desk.complete(nonce)
    after = certificates(due, due.sponsor_card)
    assert {each.renewal_id for each in after[CertificateStatus.ACTIVE]} == {desk.job_id}
    assert {each.serial_number for each in after[CertificateStatus.REVOKED]} == {
        each.serial_number for each in old
    }
    assert {each.reason for each in after[CertificateStatus.REVOKED]} == {"superseded"}
    assert status_of(due, due.sponsor_card) is CardStatus.ACTIVE
    assert [key for topic, key in due.ra.announced() if topic == "ca.revoke"] == [
        each.serial_number for each in after[CertificateStatus.REVOKED]
    ]
    assert job_status(due, desk.job_id) is JobStatus.APPROVED
    desk.finish()
    assert job_status(due, desk.job_id) is JobStatus.DONE


def test_a_key_has_one_live_certificate(due: Office) -> None:
    renewed(due)
    live = certificates(due, due.sponsor_card)[CertificateStatus.ACTIVE]
    assert len({each.spki_sha256 for each in live}) == len(live) == 2


def test_every_step_may_be_sent_again(due: Office) -> None:
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    for _ in range(2):
        desk.present_keys()
    approval = desk.approval(due.sponsor, due.sponsor_card)
    for _ in range(2):
        desk.at_desk.sign(desk.job_token, desk.job_id, approval)
    nonce = desk.certify()
    assert desk.certify() == nonce
    for _ in range(2):
        desk.complete(nonce)
    for _ in range(2):
        desk.finish()
    assert len(certificates(due, due.sponsor_card)[CertificateStatus.ACTIVE]) == 2


def test_opening_the_renewal_again_goes_on_with_the_same_one(due: Office) -> None:
    first = own_renewal(due, due.sponsor, due.sponsor_card)
    first.present_keys()
    again = RenewalDesk(
        due.ra, due.ra.renewing.begin_own(due.sponsor, due.sponsor_card.serial), due.sponsor, first.new
    )
    assert again.job_id == first.job_id
    with pytest.raises(JobTokenNotValid):
        first.sign(due.sponsor, due.sponsor_card)
    again.sign(due.sponsor, due.sponsor_card)
    again.complete(again.certify())


def test_new_keys_need_a_new_signature_and_come_too_late_once_ordered(due: Office) -> None:
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    desk.present_keys()
    desk.sign(due.sponsor, due.sponsor_card)
    desk.new = DeskCard("other keys")
    desk.present_keys()
    with pytest.raises(JobStepOutOfOrder):
        desk.certify()
    desk.sign(due.sponsor, due.sponsor_card)
    due.ra.ca.is_down = True
    with pytest.raises(Unavailable):
        desk.certify()
    due.ra.ca.is_down = False
    ordered, desk.new = desk.new, DeskCard("third keys")
    with pytest.raises(CertificateRequestsChanged):
        desk.present_keys()
    desk.new = ordered
    desk.complete(desk.certify())


WRONG: list[dict[str, str]] = [
    {"renewal": "another"},
    {"holder": "710000009101"},
    {"holder_name": "Somebody Else"},
    {"card_serial": "0099"},
    {"replaces": "1f"},
    {"authentication_key": "00"},
    {"content_commitment_key": "00"},
    {"signed_as": "operator"},
    {"signed_as": "colleague"},
    {"origin": "https://evil.example"},
    {"signed_at": "2020-01-01T00:00:00Z"},
]


def test_a_signature_for_anything_else_is_refused(due: Office) -> None:
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    with pytest.raises(JobStepOutOfOrder):
        desk.sign(due.sponsor, due.sponsor_card)
    desk.present_keys()
    for changes in WRONG:
        with pytest.raises(ApprovalNotValid):
            desk.sign(due.sponsor, due.sponsor_card, **changes)
    with pytest.raises(ApprovalNotValid):
        desk.sign(due.sponsor, due.manager_card)
    with pytest.raises(ApprovalNotValid):
        desk.sign(due.manager, due.manager_card)
    with pytest.raises(JobStepOutOfOrder):
        desk.certify()


def test_what_is_read_back_and_proven_must_be_the_new_ones(due: Office) -> None:
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    desk.present_keys()
    desk.sign(due.sponsor, due.sponsor_card)
    with pytest.raises(JobStepOutOfOrder):
        desk.complete("")
    nonce = desk.certify()
    right = dict(desk.new.certificates)
    desk.new.certificates = dict(due.sponsor_card.certificates)
    with pytest.raises(ReadBackDiffers):
        desk.complete(nonce)
    desk.new.certificates = right
    with pytest.raises(ProofNotValid):
        desk.complete("another nonce")
    with pytest.raises(JobStepOutOfOrder):
        desk.finish()
    assert len(certificates(due, due.sponsor_card)[CertificateStatus.REVOKED]) == 0


def test_a_sign_in_with_the_new_certificate_is_its_first_use(due: Office) -> None:
    """The desk was stopped after writing: the card shows its newest certificate, and that is enough."""
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    desk.present_keys()
    desk.sign(due.sponsor, due.sponsor_card)
    desk.certify()
    new = x509.load_der_x509_certificate(desk.new.certificates["authentication"])
    serial = serial_number_text(new.serial_number)
    with due.ra.database.change() as work:
        assert first_used(work, serial, "127.0.0.1")
    with due.ra.database.change() as work:
        assert not first_used(work, serial, "127.0.0.1")
    assert len(certificates(due, due.sponsor_card)[CertificateStatus.REVOKED]) == 2
    desk.finish()
    assert ("card.renewed", "allowed", "") in due.ra.audited()


def test_a_card_reported_lost_meanwhile_is_not_renewed(due: Office) -> None:
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    desk.present_keys()
    desk.sign(due.sponsor, due.sponsor_card)
    nonce = desk.certify()
    with due.ra.database.change() as work:
        card = work.cards.get_to_change(due.sponsor_card.serial)
        assert card is not None
        work.cards.end(card, CardStatus.LOST, work.now, "lost")
    with pytest.raises(CardMoveNotAllowed):
        desk.complete(nonce)
    new = x509.load_der_x509_certificate(desk.new.certificates["authentication"])
    with due.ra.database.change() as work:
        assert not first_used(work, serial_number_text(new.serial_number), "127.0.0.1")


def test_given_up_before_anything_was_certified_the_old_certificates_stay(due: Office) -> None:
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    desk.present_keys()
    desk.sign(due.sponsor, due.sponsor_card)
    due.ra.following_jobs.undo(due.sponsor, desk.job_id, "No time")
    with pytest.raises(JobTokenNotValid):
        desk.certify()
    assert {each.renewal_id for each in certificates(due, due.sponsor_card)[CertificateStatus.ACTIVE]} == {
        None
    }
    renewed(due)


def certified(due: Office) -> RenewalDesk:
    """A renewal that stopped when the desk had the new certificates: the card may have them or not."""
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    desk.present_keys()
    desk.sign(due.sponsor, due.sponsor_card)
    desk.certify()
    return desk


def test_once_certified_it_is_not_given_up_while_the_card_may_use_the_new_certificates(due: Office) -> None:
    desk = certified(due)
    with pytest.raises(JobStepOutOfOrder, match="can only be finished"):
        due.ra.following_jobs.undo(due.sponsor, desk.job_id, "No time")
    assert not certificates(due, due.sponsor_card)[CertificateStatus.REVOKED]
    due.ra.card_moves.give(due.manager, due.sponsor_card.serial, "report-faulty", MoveAsked("other_fault"))
    due.ra.following_jobs.undo(due.manager, desk.job_id, "The card failed")
    assert not certificates(due, due.sponsor_card)[CertificateStatus.ACTIVE]
    assert ("ca.revoke_issuance", desk.job_id) in due.ra.announced()


def operator_of(office: Office, job_id: str) -> str | None:
    with office.ra.database.read() as work:
        job = work.card_jobs.get(job_id)
    assert job is not None
    return job.operator_uid


def test_once_certified_anybody_who_may_renew_cards_finishes_it(due: Office) -> None:
    job_id = certified(due).job_id
    assert due.ra.renewing.begin(due.manager, due.sponsor_card.serial, Signing.OPERATOR) == job_id
    assert due.ra.following_jobs.job(due.manager, job_id).must_go_on
    assert RenewalDesk(due.ra, job_id, due.manager).job["page"] == f"/card-jobs/{job_id}"
    assert operator_of(due, job_id) == due.manager.uid
    assert RenewalDesk(due.ra, job_id, due.sponsor).job["page"] == "/sign-in/continue"
    assert operator_of(due, job_id) is None


def test_once_certified_nobody_without_the_right_takes_it_over(due: Office) -> None:
    job_id = certified(due).job_id
    with pytest.raises(NotPermitted):
        due.ra.following_jobs.ticket(replace(due.manager, permissions=frozenset()), job_id)


def test_certificates_that_come_after_giving_up_are_revoked_when_they_come(due: Office) -> None:
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    desk.present_keys()
    desk.sign(due.sponsor, due.sponsor_card)
    due.ra.ca.before_answering = lambda: due.ra.following_jobs.undo(due.sponsor, desk.job_id, "No time")
    with pytest.raises(JobNotOpen):
        desk.certify()
    assert len(certificates(due, due.sponsor_card)[CertificateStatus.REVOKED]) == 2


def test_a_renewal_whose_certificates_are_in_use_cannot_be_given_up(due: Office) -> None:
    desk = own_renewal(due, due.sponsor, due.sponsor_card)
    desk.present_keys()
    desk.sign(due.sponsor, due.sponsor_card)
    desk.complete(desk.certify())
    with pytest.raises(JobStepOutOfOrder):
        due.ra.following_jobs.undo(due.sponsor, desk.job_id, "No time")


def test_the_holder_renews_twice_and_then_somebody_must_see_them(due: Office) -> None:
    card = due.sponsor_card
    for _ in range(2):
        desk = renewed(due)
        card.content_commitment, card.certificates = desk.new.content_commitment, desk.new.certificates
        let_certificates_end(due, card, soon(30))
    with pytest.raises(CardMustBeSeen):
        due.ra.renewing.begin_own(due.sponsor, card.serial)
    offered = due.ra.renewing.due(due.sponsor.uid)
    assert offered is not None
    assert not offered.by_holder


def test_a_sponsor_renews_a_colleagues_card_that_is_due_and_not_one_that_has_expired(office: Office) -> None:
    colleague = office.person(another(1), office.position("Clerk", "R8008"))
    card = office.card_for(colleague.uid)
    with pytest.raises(RenewalNotDue):
        office.ra.renewing.begin(office.sponsor, card.serial, Signing.OPERATOR)
    let_certificates_end(office, card, soon(30))
    with pytest.raises(NotPermitted):
        office.ra.renewing.begin(colleague, office.sponsor_card.serial, Signing.OPERATOR)
    desk = renewal_by(office, office.sponsor, card, Signing.OPERATOR)
    desk.present_keys()
    with pytest.raises(ApprovalNotValid):
        desk.sign(office.manager, office.manager_card)
    desk.sign(office.sponsor, office.sponsor_card)
    desk.complete(desk.certify())
    desk.finish()
    let_certificates_end(office, card, soon(-1))
    with pytest.raises(NotPermitted):
        office.ra.renewing.begin(office.sponsor, card.serial, Signing.OPERATOR)


def test_an_expired_card_is_renewed_by_the_ra_in_person(due: Office) -> None:
    let_certificates_end(due, due.sponsor_card, soon(-1))
    make(due, due.sponsor_card, "expired")
    with pytest.raises(CardMoveNotAllowed):
        due.ra.renewing.begin_own(due.sponsor, due.sponsor_card.serial)
    desk = renewal_by(due, due.manager, due.sponsor_card, Signing.OPERATOR)
    desk.present_keys()
    with pytest.raises(ApprovalNotValid):
        desk.sign(due.sponsor, due.sponsor_card)
    desk.sign(due.manager, due.manager_card)
    desk.complete(desk.certify())
    assert status_of(due, due.sponsor_card) is CardStatus.ACTIVE


def test_an_expired_card_is_renewed_when_two_colleagues_vouch(due: Office) -> None:
    colleague = due.person(another(1), due.position("Clerk", "R8008"))
    card = due.card_for(colleague.uid)
    let_certificates_end(due, due.sponsor_card, soon(-1))
    make(due, due.sponsor_card, "expired")
    desk = renewal_by(due, due.manager, due.sponsor_card, Signing.COLLEAGUES)
    desk.present_keys()
    desk.sign(due.manager, due.manager_card)
    with pytest.raises(JobStepOutOfOrder):
        desk.certify()
    with pytest.raises(AlreadySigned):
        desk.sign(
            due.manager, due.manager_card, signed_at=desk.statement("").signed_at.replace("Z", "+00:00")
        )
    with pytest.raises(ApprovalNotValid):
        desk.sign(due.sponsor, due.sponsor_card)
    desk.sign(colleague, card)
    desk.complete(desk.certify())
    assert status_of(due, due.sponsor_card) is CardStatus.ACTIVE


def test_nobody_works_on_their_own_card_as_an_operator_nor_on_one_that_is_being_renewed(due: Office) -> None:
    with pytest.raises(CannotWorkOnOwnCard):
        due.ra.renewing.begin(due.sponsor, due.sponsor_card.serial, Signing.OPERATOR)
    own_renewal(due, due.sponsor, due.sponsor_card)
    with pytest.raises(JobAlreadyOpen):
        due.ra.renewing.begin(due.manager, due.sponsor_card.serial, Signing.OPERATOR)
    with pytest.raises(NotPermitted):
        due.ra.renewing.begin_own(due.manager, due.sponsor_card.serial)


@pytest.mark.parametrize("status", ["locked", "suspended"])
def test_a_card_that_does_not_work_is_not_renewed(office: Office, status: str) -> None:
    let_certificates_end(office, office.sponsor_card, soon(30))
    make(office, office.sponsor_card, status)
    assert office.ra.renewing.due(office.sponsor.uid) is None
    for begin in (
        lambda: office.ra.renewing.begin_own(office.sponsor, office.sponsor_card.serial),
        lambda: office.ra.renewing.begin(office.manager, office.sponsor_card.serial, Signing.OPERATOR),
    ):
        with pytest.raises(Refusal, match=f"is {status} and cannot be renewed"):
            begin()


def test_what_is_due_is_told_from_90_days_before(office: Office) -> None:
    assert office.ra.renewing.due(office.sponsor.uid) is None
    let_certificates_end(office, office.sponsor_card, soon(89))
    offered = office.ra.renewing.due(office.sponsor.uid)
    assert offered is not None
    assert offered.by_holder
    assert not offered.has_ended
    job_id = office.ra.renewing.begin_own(office.sponsor, office.sponsor_card.serial)
    again = office.ra.renewing.due(office.sponsor.uid)
    assert again is not None
    assert again.open_job == job_id
