"""From somebody nobody knows to a working card, and its end: one story on each database."""

from __future__ import annotations

import pytest

from app.domain.card import CardStatus
from app.domain.certificate import CertificateStatus
from app.domain.issuance import IssuanceStatus
from app.domain.permission import Permission
from app.domain.professional_registration import ProfessionalBody, ProfessionalRegistration
from app.errors import NotPermitted
from app.ra.moving_cards import MoveAsked
from tests.support.registration_authority import PRACTICE, RA, Office, registration, today


def test_a_clinician_is_registered_given_a_position_and_a_card(office: Office) -> None:
    ra = office.ra
    found = ra.finding.search(office.manager, "amara osei")
    assert found.people == []
    uid = ra.registering.register(office.manager, registration())
    position = office.position("GP partner", "R8000", "B0572", at=PRACTICE)
    request = ra.requesting.request_position(office.sponsor, uid, position, today(), None, "New partner")
    ra.deciding.take(office.manager, request)
    ra.deciding.grant(office.manager, request, "Checked with the practice")
    card = office.card_for(uid)

    record = ra.finding.person(office.manager, uid)
    assert record.person.name == "Amara Osei"
    assert [each.number for each in record.evidence] == ["533380006", "88412231", "AB123456C"]
    [role] = record.roles
    assert (role.organisation_name, role.position_name) == ("HONITON SURGERY", "GP partner")
    assert role.job_role_name == "Job role R8000"
    assert role.activities == (("B0572", "Activity B0572"),)
    [issued] = record.cards
    assert (issued.card.serial, issued.card.status) == (card.serial, CardStatus.ACTIVE)
    assert {each.status for each in issued.certificates} == {CertificateStatus.ACTIVE}
    assert record.open_issuance is None
    assert ra.finding.own(ra.actor(uid)) == record


def test_each_thing_that_happened_is_one_audit_event(office: Office) -> None:
    before = len(office.ra.audited())
    clinician = office.person(registration(), office.position("GP", "R8000", at=PRACTICE))
    office.card_for(clinician.uid)
    happened = office.ra.audited()[before:]
    assert [event for event, outcome, _ in happened if outcome == "allowed"] == [
        "position.created",
        "person.registered",
        "access_request.raised",
        "access_request.granted",
        "card_issuance.begun",
        "card_issuance.ticket_given",
        "card_issuance.claimed",
        "card_issuance.approved",
        "card_issuance.keys_presented",
        "card_issuance.certified",
        "card.activated",
    ]
    assert len(happened) == 11


def test_registering_granting_and_activating_are_announced_to_the_directory(office: Office) -> None:
    before = len(office.ra.announced())
    clinician = office.person(registration(), office.position("GP", "R8000", at=PRACTICE))
    office.card_for(clinician.uid)
    assert office.ra.announced()[before:] == [("directory.person", clinician.uid)] * 3


def test_a_lost_card_ends_at_once_and_for_good(office: Office) -> None:
    clinician = office.person(registration())
    card = office.card_for(clinician.uid)
    before = len(office.ra.announced())
    office.ra.card_moves.give(clinician, card.serial, "report-lost", MoveAsked(note="Left on the bus"))

    [ended] = office.ra.finding.person(office.manager, clinician.uid).cards
    assert ended.card.status is CardStatus.LOST
    assert {each.status for each in ended.certificates} == {CertificateStatus.REVOKED}
    assert {each.reason for each in ended.certificates} == {"keyCompromise"}
    serials = {each.serial_number for each in ended.certificates}
    announced = office.ra.announced()[before:]
    assert {key for topic, key in announced if topic == "ca.revoke"} == serials
    assert ("directory.person", clinician.uid) in announced
    office.card_for(clinician.uid)


def test_somebody_elses_card_is_not_reported_by_a_colleague(office: Office) -> None:
    clinician = office.person(registration())
    card = office.card_for(clinician.uid)
    for verb in ("report-lost", "report-stolen"):
        with pytest.raises(NotPermitted):
            office.ra.card_moves.give(office.sponsor, card.serial, verb, MoveAsked())
    assert office.ra.audited()[-1] == ("card.reported_stolen", "refused", "not_permitted")


@pytest.mark.parametrize(
    ("verb", "reason", "status", "revoked_for"),
    [
        ("cancel", "left", CardStatus.CANCELLED, "cessationOfOperation"),
        ("cancel", "misused", CardStatus.CANCELLED, "privilegeWithdrawn"),
        ("report-damaged", "broken", CardStatus.DAMAGED, "cessationOfOperation"),
        ("report-faulty", "not_read", CardStatus.FAULTY, "cessationOfOperation"),
        ("report-stolen", "", CardStatus.STOLEN, "keyCompromise"),
    ],
)
def test_a_card_ends_with_a_reason(
    office: Office, verb: str, reason: str, status: CardStatus, revoked_for: str
) -> None:
    clinician = office.person(registration())
    card = office.card_for(clinician.uid)
    office.ra.card_moves.give(office.manager, card.serial, verb, MoveAsked(reason))
    [ended] = office.ra.finding.person(office.manager, clinician.uid).cards
    assert ended.card.status is status
    assert {each.reason for each in ended.certificates} == {revoked_for}


def test_searching_is_audited_and_warns_of_a_mistyped_id(office: Office) -> None:
    clinician = office.person(registration())
    found = office.ra.finding.search(office.manager, clinician.uid)
    assert [each.uid for each in found.people] == [clinician.uid]
    assert found.notice is None
    wrong = clinician.uid[:-1] + str((int(clinician.uid[-1]) + 1) % 10)
    assert "mistyped" in (office.ra.finding.search(office.manager, wrong).notice or "")
    assert office.ra.audited()[-1] == ("person.searched", "allowed", "")


@pytest.mark.parametrize("text", ["osei", "OSEI amara", "Am Os", "amara"])
def test_people_are_found_by_beginnings_of_their_names(office: Office, text: str) -> None:
    clinician = office.person(registration())
    assert [each.uid for each in office.ra.finding.search(office.manager, text).people] == [clinician.uid]


@pytest.mark.parametrize(
    "typed",
    [" Amara.OSEI@example.nhs.uk ", "6130001", "613 0001", "{uid}", "{uid:.4}-{rest}", "{uid:.4} {rest}"],
)
def test_people_are_found_by_what_stands_on_their_papers(office: Office, typed: str) -> None:
    gmc = ProfessionalRegistration(ProfessionalBody.GMC, "6130001")
    clinician = office.person(registration(registrations=(gmc,)))
    text = typed.format(uid=clinician.uid, rest=clinician.uid[4:])
    found = office.ra.finding.search(office.manager, text)
    assert ([each.uid for each in found.people], found.notice) == ([clinician.uid], None)


def test_nobody_reads_about_others_without_the_permission(office: Office) -> None:
    clinician = office.person(registration(), office.position("GP", "R8000", at=PRACTICE))
    with pytest.raises(NotPermitted):
        office.ra.finding.search(clinician, "whitcombe")
    with pytest.raises(NotPermitted):
        office.ra.finding.person(clinician, office.manager.uid)
    with pytest.raises(NotPermitted):
        office.ra.finding.photo(clinician, office.manager.uid)
    assert office.ra.audited()[-1] == ("person.photo_viewed", "refused", "not_permitted")
    assert office.ra.finding.photo(clinician, clinician.uid).startswith(b"\xff\xd8")
    assert office.ra.audited()[-1] == ("person.photo_viewed", "refused", "not_permitted")


def test_whoever_looks_at_somebodys_photo_is_on_record(office: Office) -> None:
    clinician = office.person(registration())
    office.ra.finding.photo(office.manager, clinician.uid)
    assert office.ra.audited()[-1] == ("person.photo_viewed", "allowed", "")


def test_the_third_person_comes_the_ordinary_way(office: Office) -> None:
    agent = office.person(registration(), office.position("RA agent", "R5090", "B0274", at=RA))
    card = office.card_for(agent.uid)
    assert Permission.ISSUE_CARD in office.ra.actor(agent.uid).permissions
    assert card.certificates


def test_what_an_issuance_did_can_be_read(office: Office) -> None:
    clinician = office.person(registration())
    desk = office.begun(clinician.uid)
    [open_one] = office.ra.issuing.open_issuances(office.manager)
    assert (open_one.id, open_one.status) == (desk.id, IssuanceStatus.BEGUN)
    desk.jobs.fail(desk.job_token, desk.id, step="reader", reason="The card was taken out.")
    steps = office.ra.issuing.issuance(office.manager, desk.id).steps
    assert [(step.name, step.outcome) for step in steps] == [
        ("begun", "done"),
        ("opened_at_the_desk", "done"),
        ("reader", "failed"),
    ]
