"""Issuing a card: what is refused, and how it goes on or is undone after a crash at any step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from app.clock import utc_now
from app.domain.actor import Actor
from app.domain.approval import ApprovalNotValid
from app.domain.card import CardAlreadyHeld, CardNotBlank, CardStatus
from app.domain.certificate import CertificateStatus
from app.domain.certificate_order import SignedApproval
from app.domain.desk_record import JobTokenNotValid, TicketNotValid
from app.domain.issuance import (
    CannotIssueToOneself,
    CertificateRequestNotAcceptable,
    CertificateRequestsChanged,
    IssuanceAlreadyOpen,
    IssuanceNotOpen,
    IssuanceStatus,
    IssuanceStepOutOfOrder,
    ProofNotValid,
    ReadBackDiffers,
)
from app.errors import InvalidInput, NotFound, NotPermitted, Refusal, Unavailable
from app.ra.desk_jobs import DeskJobs
from app.ra.moving_cards import MoveAsked
from app.storage.database import Database
from app.storage.tables.cards import card_issuance
from card_agent.desk_key import DeskKey
from tests.fakes.certificate_authority import CertificateAuthorityUnwilling
from tests.support.registration_authority import (
    Desk,
    DeskCard,
    Office,
    RegistrationAuthority,
    another,
    csr,
    registration,
)


@pytest.fixture
def clinician(office: Office) -> Actor:
    return office.person(registration())


@pytest.fixture
def agent(office: Office) -> Actor:
    return office.person(another(5), office.position("RA agent", "R5090", "B0274"))


def status(office: Office, issuance_id: str) -> IssuanceStatus:
    return office.ra.issuing.issuance(office.manager, issuance_id).status


@pytest.fixture
def later(office: Office) -> Iterator[Callable[[timedelta], DeskJobs]]:
    """The desk jobs of the same registration authority when so much time has passed."""
    url = office.ra.database.engine.url.render_as_string(hide_password=False)
    opened: list[Database] = []

    def desk_jobs(by: timedelta) -> DeskJobs:
        opened.append(Database(url, lambda: utc_now() + by))
        return RegistrationAuthority(opened[-1], office.ra.ca).desk_jobs

    yield desk_jobs
    for database in opened:
        database.close()


Later = Callable[[timedelta], DeskJobs]


# Beginning


def test_nobody_issues_a_card_to_themselves(office: Office) -> None:
    with pytest.raises(CannotIssueToOneself):
        office.ra.issuing.begin(office.manager, office.manager.uid)
    assert office.ra.audited()[-1] == ("card_issuance.begun", "refused", "cannot_issue_to_oneself")


def test_a_sponsor_issues_no_card(office: Office, clinician: Actor) -> None:
    with pytest.raises(NotPermitted):
        office.ra.issuing.begin(office.sponsor, clinician.uid)


def test_somebody_unknown_gets_no_card(office: Office) -> None:
    with pytest.raises(NotFound):
        office.ra.issuing.begin(office.manager, "710000999105")


def test_a_person_has_one_open_issuance(office: Office, clinician: Actor) -> None:
    office.begun(clinician.uid)
    with pytest.raises(IssuanceAlreadyOpen):
        office.ra.issuing.begin(office.manager, clinician.uid)


def test_a_person_has_one_working_card(office: Office, clinician: Actor) -> None:
    office.card_for(clinician.uid)
    with pytest.raises(CardAlreadyHeld):
        office.ra.issuing.begin(office.manager, clinician.uid)


def test_of_two_beginnings_at_one_moment_one_is_refused(office: Office, clinician: Actor) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def begin() -> None:
        ready.wait()
        try:
            office.ra.issuing.begin(office.manager, clinician.uid)
            outcomes.append("begun")
        except Refusal as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["begun", IssuanceAlreadyOpen.code]


# Tickets and job tokens


def test_a_ticket_is_used_once(office: Office, clinician: Actor) -> None:
    issuance_id = office.ra.issuing.begin(office.manager, clinician.uid)
    ticket = office.ra.issuing.ticket(office.manager, issuance_id)
    Desk(office.ra.desk_jobs, ticket)
    with pytest.raises(TicketNotValid):
        Desk(office.ra.desk_jobs, ticket)


def test_a_ticket_runs_out_after_five_minutes(office: Office, clinician: Actor, later: Later) -> None:
    issuance_id = office.ra.issuing.begin(office.manager, clinician.uid)
    ticket = office.ra.issuing.ticket(office.manager, issuance_id)
    with pytest.raises(TicketNotValid):
        Desk(later(timedelta(minutes=5)), ticket)


def test_a_newer_ticket_replaces_the_older_one(office: Office, clinician: Actor) -> None:
    issuance_id = office.ra.issuing.begin(office.manager, clinician.uid)
    older, newer = (office.ra.issuing.ticket(office.manager, issuance_id) for _ in range(2))
    with pytest.raises(TicketNotValid):
        Desk(office.ra.desk_jobs, older)
    Desk(office.ra.desk_jobs, newer)


def test_a_guessed_ticket_is_refused_and_audited(office: Office) -> None:
    with pytest.raises(TicketNotValid):
        Desk(office.ra.desk_jobs, "guess")
    assert office.ra.audited()[-1] == ("card_issuance.claimed", "refused", "ticket_not_valid")


def test_of_two_desks_with_one_ticket_one_gets_the_job(office: Office, clinician: Actor) -> None:
    issuance_id = office.ra.issuing.begin(office.manager, clinician.uid)
    ticket = office.ra.issuing.ticket(office.manager, issuance_id)
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def claim() -> None:
        ready.wait()
        try:
            Desk(office.ra.desk_jobs, ticket)
            outcomes.append("claimed")
        except Refusal as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=claim) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["claimed", TicketNotValid.code]


def test_only_the_operator_who_began_gets_a_ticket(office: Office, clinician: Actor, agent: Actor) -> None:
    issuance_id = office.ra.issuing.begin(office.manager, clinician.uid)
    for other in (agent, clinician, office.sponsor):
        with pytest.raises(NotPermitted):
            office.ra.issuing.ticket(other, issuance_id)


def test_the_secrets_are_not_stored(office: Office, clinician: Actor) -> None:
    desk = office.begun(clinician.uid)
    ticket = office.ra.issuing.ticket(office.manager, desk.id)
    with office.ra.database.read() as work:
        row = repr(work.connection.execute(card_issuance.select()).all())
    assert ticket not in row
    assert desk.job_token not in row


def test_a_job_token_opens_its_own_job_only(office: Office, clinician: Actor, agent: Actor) -> None:
    desk, other = office.begun(clinician.uid), office.begun(agent.uid)
    card = office.blank()
    other.id = desk.id
    with pytest.raises(JobTokenNotValid):
        other.jobs.job(other.job_token, desk.id)
    with pytest.raises(JobTokenNotValid):
        other.approve(card, office.manager_card)
    assert office.ra.audited()[-1] == ("card_issuance.approved", "refused", "job_token_not_valid")
    with office.ra.database.read() as work:
        [refused] = work.audit.newest(None, 1)
    assert (refused.event.actor_uid, refused.event.subject) == ("anonymous", desk.id)


def test_claiming_again_ends_the_earlier_desks_part(office: Office, clinician: Actor) -> None:
    first = office.begun(clinician.uid)
    second = office.desk_again(first.id)
    with pytest.raises(JobTokenNotValid):
        first.jobs.job(first.job_token, first.id)
    assert second.jobs.job(second.job_token, second.id)["state"] == "begun"


def test_a_forgotten_job_token_runs_out(office: Office, clinician: Actor, later: Later) -> None:
    desk = office.begun(clinician.uid)
    with pytest.raises(JobTokenNotValid):
        later(timedelta(minutes=15)).job(desk.job_token, desk.id)


# Approval


@pytest.mark.parametrize(
    "changes",
    [
        {"holder": "710000999105"},
        {"holder_name": "Somebody Else"},
        {"issuance": "another"},
        {"origin": "https://evil.example"},
        {"card_profile": "other"},
        {"operator": "710000999105"},
        {"signed_at": "2020-01-01T00:00:00Z"},
        {"type": "spine-ra/card-issuance/2"},
    ],
)
def test_an_approval_of_something_else_is_refused(
    office: Office, clinician: Actor, changes: dict[str, str]
) -> None:
    desk = office.begun(clinician.uid)
    with pytest.raises(ApprovalNotValid):
        desk.approve(office.blank(), office.manager_card, **changes)
    assert status(office, desk.id) is IssuanceStatus.BEGUN


def test_an_approval_in_which_the_holder_is_the_operator_is_refused(office: Office, clinician: Actor) -> None:
    desk = office.begun(clinician.uid)
    with pytest.raises(CannotIssueToOneself):
        desk.approve(office.blank(), office.manager_card, operator=clinician.uid)


def test_an_approval_signed_by_the_wrong_key_is_refused(office: Office, clinician: Actor) -> None:
    desk = office.begun(clinician.uid)
    wrong = replace(office.manager_card, content_commitment=ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ApprovalNotValid, match="signature"):
        desk.approve(office.blank(), wrong)


def test_an_approval_signed_with_the_authentication_key_is_refused(office: Office, clinician: Actor) -> None:
    card = office.manager_card
    for_signing_in = replace(
        card,
        content_commitment=card.authentication,
        certificates={"content_commitment": card.certificates["authentication"]},
    )
    desk = office.begun(clinician.uid)
    with pytest.raises(ApprovalNotValid, match="card's signing key"):
        desk.approve(office.blank(), for_signing_in)


def test_an_approval_with_a_colleagues_card_is_refused(
    office: Office, clinician: Actor, agent: Actor
) -> None:
    agents_card = office.card_for(agent.uid)
    desk = office.begun(clinician.uid)
    with pytest.raises(ApprovalNotValid, match="operator who began"):
        desk.approve(office.blank(), agents_card)


def test_an_approval_with_a_certificate_of_another_authority_is_refused(
    office: Office, clinician: Actor
) -> None:
    desk = office.begun(clinician.uid)
    for certificate in (
        b"",
        b"no certificate",
        office.manager_card.certificates["content_commitment"] + b"x",
    ):
        forged = replace(office.manager_card, certificates={"content_commitment": certificate})
        with pytest.raises(ApprovalNotValid):
            desk.approve(office.blank(), forged)


def test_an_approval_with_a_lost_card_is_refused(office: Office, clinician: Actor, agent: Actor) -> None:
    card = office.card_for(agent.uid)
    issuance_id = office.ra.issuing.begin(agent, clinician.uid)
    desk = Desk(office.ra.desk_jobs, office.ra.issuing.ticket(agent, issuance_id))
    office.ra.card_moves.give(agent, card.serial, "report-lost", MoveAsked())
    with pytest.raises(ApprovalNotValid, match="not valid now"):
        desk.approve(office.blank(), card)


def test_a_card_that_is_not_blank_is_refused(office: Office, clinician: Actor, agent: Actor) -> None:
    used = office.card_for(agent.uid)
    desk = office.begun(clinician.uid)
    for card in (used, office.manager_card):
        with pytest.raises(CardNotBlank):
            desk.approve(card, office.manager_card)


def test_one_card_is_not_in_two_issuances(office: Office, clinician: Actor, agent: Actor) -> None:
    card = office.blank()
    office.begun(clinician.uid).approve(card, office.manager_card)
    with pytest.raises(CardNotBlank):
        office.begun(agent.uid).approve(card, office.manager_card)


def test_the_card_that_was_approved_is_the_one_that_is_made(office: Office, clinician: Actor) -> None:
    desk = office.begun(clinician.uid)
    approved, another_card = office.blank(), office.blank()
    with pytest.raises(IssuanceStepOutOfOrder, match="approved for card"):
        desk.personalise(another_card, desk.approval(approved, office.manager_card))
    assert status(office, desk.id) is IssuanceStatus.BEGUN
    desk.approve(approved, office.manager_card)
    with pytest.raises(IssuanceStepOutOfOrder, match="approved for card"):
        desk.personalise(another_card)


def test_nothing_is_made_without_an_approval(office: Office, clinician: Actor) -> None:
    desk, card = office.begun(clinician.uid), office.blank()
    with pytest.raises(IssuanceStepOutOfOrder):
        desk.personalise(card)
    with pytest.raises(IssuanceStepOutOfOrder):
        desk.certify(card)
    with pytest.raises(IssuanceStepOutOfOrder):
        desk.complete(card, "")
    assert not office.ra.ca.has_signed_for(desk.id)


# Certification and completion


@pytest.fixture
def personalised(office: Office, clinician: Actor) -> tuple[Desk, DeskCard]:
    desk, card = office.begun(clinician.uid), office.blank()
    desk.approve(card, office.manager_card)
    return desk, card


Personalised = tuple[Desk, DeskCard]


def test_keys_changed_after_certification_are_refused(personalised: Personalised) -> None:
    desk, card = personalised
    desk.certify(card)
    with pytest.raises(CertificateRequestsChanged):
        desk.certify(DeskCard(card.serial))


def test_the_same_keys_get_the_same_certificates(office: Office, personalised: Personalised) -> None:
    desk, card = personalised
    nonce = desk.certify(card)
    before, events = dict(card.certificates), office.ra.audited()
    assert desk.certify(card) == nonce
    assert card.certificates == before
    assert office.ra.audited() == events


def test_one_key_for_both_purposes_is_refused(personalised: Personalised) -> None:
    desk, card = personalised
    with pytest.raises(CertificateRequestNotAcceptable):
        desk.certify(replace(card, content_commitment=card.authentication))


@pytest.mark.parametrize("spoil", [lambda der: b"", lambda der: der[:-1] + bytes([der[-1] ^ 1])])
def test_a_request_that_proves_no_possession_is_refused(
    office: Office, personalised: Personalised, spoil: Callable[[bytes], bytes]
) -> None:
    desk, card = personalised
    with pytest.raises(CertificateRequestNotAcceptable):
        desk.jobs.certify(
            desk.job_token,
            desk.id,
            authentication_csr=spoil(csr(card.authentication)),
            content_commitment_csr=csr(card.content_commitment),
            keys_signature=b"",
            provenance={},
        )
    assert not office.ra.ca.has_signed_for(desk.id)


def test_keys_that_the_approved_desk_did_not_sign_are_refused(
    office: Office, personalised: Personalised
) -> None:
    desk, card = personalised
    desk.desk_key = DeskKey()
    with pytest.raises(ApprovalNotValid, match="keys of this card"):
        desk.certify(card)
    assert status(office, desk.id) is IssuanceStatus.PERSONALISING
    assert not office.ra.ca.has_signed_for(desk.id)


def test_another_desk_needs_another_approval(office: Office, personalised: Personalised) -> None:
    desk, card = personalised
    again = office.desk_again(desk.id)
    again.personalise(card)
    with pytest.raises(ApprovalNotValid, match="keys of this card"):
        again.certify(card)
    with pytest.raises(IssuanceStepOutOfOrder, match=f"approved for card {card.serial}"):
        again.approve(office.blank(), office.manager_card)
    again.approve(card, office.manager_card)
    again.finish(card)
    with pytest.raises(IssuanceNotOpen):
        again.approve(card, office.manager_card)


def test_a_new_approval_forgets_the_keys_of_an_earlier_one(
    office: Office, personalised: Personalised
) -> None:
    desk, card = personalised
    office.ra.ca.is_unwilling = True
    with pytest.raises(CertificateAuthorityUnwilling):
        desk.certify(card)
    office.ra.ca.is_unwilling = False
    desk.approve(card, office.manager_card)
    assert office.desk_again(desk.id).job["state"] == "personalising"
    assert not office.ra.ca.has_signed_for(desk.id)


def test_asking_for_the_job_finishes_what_the_authority_did_not_answer(
    office: Office, personalised: Personalised
) -> None:
    desk, card = personalised
    office.ra.ca.is_down = True
    with pytest.raises(Unavailable):
        desk.certify(card)
    with pytest.raises(Unavailable):
        desk.jobs.job(desk.job_token, desk.id)
    office.ra.ca.is_down = False
    told = desk.jobs.job(desk.job_token, desk.id)
    assert told["state"] == "certified"
    assert isinstance(told["certificates"], dict)
    desk.complete(card, desk.write(card, told["certificates"]))


def test_a_key_that_was_certified_before_is_refused(
    office: Office, personalised: Personalised, agent: Actor
) -> None:
    desk, card = personalised
    old = office.card_for(agent.uid)
    with pytest.raises(CertificateRequestsChanged):
        desk.certify(replace(card, authentication=old.authentication))
    assert status(office, desk.id) is IssuanceStatus.PERSONALISING


def test_what_the_certificate_authority_refuses_leaves_the_job_open(
    office: Office, personalised: Personalised
) -> None:
    desk, card = personalised
    office.ra.ca.is_unwilling = True
    with pytest.raises(CertificateAuthorityUnwilling):
        desk.certify(card)
    office.ra.ca.is_unwilling = False
    desk.complete(card, desk.certify(card))


def test_when_the_certificate_authority_was_down_a_card_made_anew_goes_on(
    office: Office, personalised: Personalised
) -> None:
    desk, card = personalised
    office.ra.ca.is_down = True
    with pytest.raises(Unavailable):
        desk.certify(card)
    office.ra.ca.is_down = False
    made_anew = DeskCard(card.serial)
    desk.approve(made_anew, office.manager_card)
    desk.finish(made_anew)
    assert status(office, desk.id) is IssuanceStatus.ACTIVE


def test_what_was_read_back_must_be_what_was_signed(personalised: Personalised) -> None:
    desk, card = personalised
    nonce = desk.certify(card)
    swapped = {
        "authentication": card.certificates["content_commitment"],
        "content_commitment": card.certificates["authentication"],
    }
    for certificates in (swapped, {}):
        with pytest.raises(ReadBackDiffers):
            desk.complete(replace(card, certificates=certificates), nonce)


def test_the_card_proves_that_it_holds_its_key(office: Office, personalised: Personalised) -> None:
    desk, card = personalised
    nonce = desk.certify(card)
    for wrong in (DeskCard(card.serial).authentication, card.content_commitment):
        with pytest.raises(ProofNotValid):
            desk.complete(replace(card, authentication=wrong), nonce)
    with pytest.raises(ProofNotValid):
        desk.complete(card, "another nonce")
    assert status(office, desk.id) is IssuanceStatus.CERTIFIED


def test_a_half_issued_card_has_no_active_certificate(
    office: Office, personalised: Personalised, clinician: Actor
) -> None:
    desk, card = personalised
    desk.certify(card)
    [made] = office.ra.finding.person(office.manager, clinician.uid).cards
    assert made.card.status is CardStatus.PERSONALISED
    assert {each.status for each in made.certificates} == {CertificateStatus.ISSUED}


def test_completing_twice_is_one_completion(office: Office, personalised: Personalised) -> None:
    desk, card = personalised
    nonce = desk.certify(card)
    desk.complete(card, nonce)
    events = office.ra.audited()
    desk.complete(card, nonce)
    assert office.ra.audited() == events
    with pytest.raises(ReadBackDiffers):
        desk.complete(replace(card, certificates={}), nonce)


def test_an_impossible_wrapped_so_pin_is_refused(office: Office, clinician: Actor) -> None:
    desk, card = office.begun(clinician.uid), office.blank()
    with pytest.raises(InvalidInput):
        _escrow(desk, card, desk.approval(card, office.manager_card), b"1234")
    assert status(office, desk.id) is IssuanceStatus.BEGUN


def _escrow(desk: Desk, card: DeskCard, approval: SignedApproval, wrapped_so_pin: bytes) -> None:
    desk.jobs.personalise(
        desk.job_token, desk.id, card_serial=card.serial, wrapped_so_pin=wrapped_so_pin, approval=approval
    )


def test_every_so_pin_that_a_card_may_have_is_kept(office: Office, personalised: Personalised) -> None:
    desk, card = personalised
    for filler in (b"a", b"b"):
        _escrow(desk, card, desk.approval(card, office.manager_card), filler * 384)
    with office.ra.database.read() as work:
        kept = work.cards.wrapped_so_pins(card.serial)
    assert [each[:1] for each in kept][:2] == [b"b", b"a"]
    assert len(kept) == 3


def test_a_call_that_was_not_answered_is_made_again_and_does_nothing_more(
    office: Office, clinician: Actor
) -> None:
    desk, card = office.begun(clinician.uid), office.blank()
    approval = desk.approval(card, office.manager_card)
    _escrow(desk, card, approval, b"a" * 384)
    events = office.ra.audited()
    _escrow(desk, card, approval, b"a" * 384)
    assert office.ra.audited() == events
    _escrow(desk, card, approval, b"b" * 384)
    with office.ra.database.read() as work:
        assert [each[:1] for each in work.cards.wrapped_so_pins(card.serial)] == [b"b", b"a"]
    desk.complete(card, desk.certify(card))
    with pytest.raises(IssuanceNotOpen):
        _escrow(desk, card, approval, b"b" * 384)


# Crashes: after each step, everything but the database and the card is gone

STEPS = ("begun", "personalised", "certified", "completed")


def advance(office: Office, desk: Desk, card: DeskCard, until: str) -> None:
    """Work on the job until it is so far."""
    if until == "begun":
        return
    desk.approve(card, office.manager_card)
    if until == "personalised":
        return
    nonce = desk.certify(card)
    if until == "completed":
        desk.complete(card, nonce)


def go_on(office: Office, issuance_id: str, card: DeskCard) -> None:
    """What a desk does with a job whose state it is told."""
    desk = office.desk_again(issuance_id)
    if desk.job["state"] in ("begun", "personalising"):
        desk.approve(card, office.manager_card)
        return desk.finish(card)
    message = desk.job["certificates"]
    assert isinstance(message, dict)
    return desk.complete(card, desk.write(card, message))


@pytest.mark.parametrize("step", STEPS[:-1])
def test_after_a_crash_the_job_goes_on(office: Office, clinician: Actor, step: str) -> None:
    desk, card = office.begun(clinician.uid), office.blank()
    advance(office, desk, card, step)
    go_on(office, desk.id, card)
    [held] = office.ra.finding.person(office.manager, clinician.uid).cards
    assert held.card.status is CardStatus.ACTIVE
    assert len(held.certificates) == 2


@pytest.mark.parametrize(
    ("step", "card_status"),
    [
        ("begun", None),
        ("personalised", CardStatus.CANCELLED),
        ("certified", CardStatus.CANCELLED),
    ],
)
def test_after_a_crash_the_job_can_be_undone(
    office: Office, clinician: Actor, step: str, card_status: CardStatus | None
) -> None:
    desk, card = office.begun(clinician.uid), office.blank()
    advance(office, desk, card, step)
    office.ra.issuing.undo(office.manager, desk.id, "The card does not react")
    assert status(office, desk.id) is IssuanceStatus.UNDONE
    with office.ra.database.read() as work:
        stored = work.cards.get(card.serial)
        certificates = work.certificates.of_card(card.serial)
    assert (stored.status if stored else None) is card_status
    assert all(each.status is CertificateStatus.REVOKED for each in certificates)
    revoked = [key for topic, key in office.ra.announced() if topic == "ca.revoke"]
    assert sorted(revoked) == sorted(each.serial_number for each in certificates)
    office.card_for(clinician.uid)


def test_an_undone_job_does_not_go_on(office: Office, personalised: Personalised) -> None:
    desk, card = personalised
    office.ra.issuing.undo(office.manager, desk.id, "Stopped")
    with pytest.raises(IssuanceNotOpen):
        desk.certify(card)
    with pytest.raises(IssuanceNotOpen):
        office.ra.issuing.ticket(office.manager, desk.id)
    with pytest.raises(IssuanceNotOpen):
        office.ra.issuing.undo(office.manager, desk.id, "Again")
    assert not office.ra.ca.has_signed_for(desk.id)


def test_undone_while_the_authority_signs_the_certificates_are_revoked(
    office: Office, personalised: Personalised
) -> None:
    desk, card = personalised
    office.ra.ca.before_answering = lambda: office.ra.issuing.undo(
        office.manager, desk.id, "Stopped meanwhile"
    )
    with pytest.raises(IssuanceNotOpen):
        desk.certify(card)
    with office.ra.database.read() as work:
        certificates = work.certificates.of_card(card.serial)
    assert [each.status for each in certificates] == [CertificateStatus.REVOKED] * 2
    assert ("ca.revoke_issuance", desk.id) in office.ra.announced()
    assert {key for topic, key in office.ra.announced() if topic == "ca.revoke"} == {
        each.serial_number for each in certificates
    }


def test_a_crash_between_signing_and_recording_is_healed_when_the_job_is_opened_again(
    office: Office, personalised: Personalised
) -> None:
    desk, card = personalised

    def crash() -> None:
        raise KeyboardInterrupt

    office.ra.ca.before_answering = crash
    with pytest.raises(KeyboardInterrupt):
        desk.certify(card)
    office.ra.ca.before_answering = lambda: None
    assert office.ra.ca.has_signed_for(desk.id)
    go_on(office, desk.id, card)
    assert status(office, desk.id) is IssuanceStatus.ACTIVE


def test_a_ticket_stays_good_while_the_certificate_authority_is_down(
    office: Office, clinician: Actor
) -> None:
    ticket = office.ra.issuing.ticket(office.manager, office.begun(clinician.uid).id)
    restarted = RegistrationAuthority(office.ra.database, office.ra.ca).desk_jobs
    office.ra.ca.is_down = True
    with pytest.raises(Unavailable):
        restarted.claim(ticket)
    office.ra.ca.is_down = False
    assert restarted.claim(ticket).job["state"] == "begun"


def test_keys_that_were_erased_are_not_certified_behind_the_desks_back(
    office: Office, personalised: Personalised
) -> None:
    desk, card = personalised
    office.ra.ca.is_down = True
    with pytest.raises(Unavailable):
        desk.certify(card)
    desk.personalise(card)
    office.ra.ca.is_down = False
    again = office.desk_again(desk.id)
    assert again.job["state"] == "personalising"
    assert not office.ra.ca.has_signed_for(desk.id)


def test_what_the_authority_refuses_does_not_keep_the_desk_from_the_job(
    office: Office, personalised: Personalised
) -> None:
    desk, card = personalised
    office.ra.ca.is_unwilling = True
    with pytest.raises(CertificateAuthorityUnwilling):
        desk.certify(card)
    assert office.desk_again(desk.id).job["state"] == "personalising"


def test_a_finished_issuance_is_not_undone(office: Office, clinician: Actor) -> None:
    desk, card = office.begun(clinician.uid), office.blank()
    advance(office, desk, card, "completed")
    with pytest.raises(IssuanceNotOpen):
        office.ra.issuing.undo(office.manager, desk.id, "Too late")


def test_undoing_needs_a_reason_the_permission_and_another_person(
    office: Office, clinician: Actor, agent: Actor
) -> None:
    desk = office.begun(clinician.uid)
    with pytest.raises(InvalidInput):
        office.ra.issuing.undo(office.manager, desk.id, "  ")
    with pytest.raises(NotPermitted):
        office.ra.issuing.undo(office.sponsor, desk.id, "No")
    own = office.begun(agent.uid)
    with pytest.raises(CannotIssueToOneself):
        office.ra.issuing.undo(agent, own.id, "My own")


def test_the_database_refuses_an_operator_who_is_the_holder(office: Office, clinician: Actor) -> None:
    desk = office.begun(clinician.uid)
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(
            update(card_issuance)
            .where(card_issuance.c.id == desk.id)
            .values(operator_uid=card_issuance.c.uid)
        )
