"""The same story with the real certificate authority: its token, its own checks, its own record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography import x509
from sqlalchemy import select

from app.adapters.ca_client import CaClient
from app.adapters.ca_outbox import ca_outbox_handlers
from app.domain.certificate import CertificateStatus
from app.domain.issuance import IssuanceStatus
from app.errors import Refusal
from app.ra.moving_cards import MoveAsked
from app.settings import Settings
from app.storage.database import Database
from app.storage.tables.audit import audit_event
from tests.support.certificates import authority_in_a_thread
from tests.support.killing import wait_until
from tests.support.registration_authority import (
    Office,
    RegistrationAuthority,
    add_reference_data,
    founded,
    registration,
)


@pytest.fixture
def database_of_both(ca_settings: Settings) -> Iterator[Database]:
    """The database that both processes use."""
    database = Database(ca_settings.database.url)
    yield database
    database.close()


@pytest.fixture
def authority(ca_settings: Settings) -> Iterator[CaClient]:
    """The certificate authority behind its socket."""
    with authority_in_a_thread(ca_settings) as client:
        yield client


@pytest.fixture
def real_office(database_of_both: Database, authority: CaClient) -> Office:
    add_reference_data(database_of_both)
    return founded(RegistrationAuthority(database_of_both, authority))


def carry_out_announcements(office: Office, authority: CaClient) -> None:
    """What the worker does with the announcements to the certificate authority."""
    handlers = ca_outbox_handlers(authority)
    with office.ra.database.read() as work:
        rows = work.outbox.due(list(handlers))
    for row in rows:
        handlers[row.topic](row)


def revoked(authority: CaClient, name: str) -> set[str]:
    crl = x509.load_der_x509_crl(authority.crl(name).der)
    return {f"{entry.serial_number:x}" for entry in crl}


def test_a_card_is_issued_and_ends(real_office: Office, authority: CaClient) -> None:
    clinician = real_office.person(registration())
    card = real_office.card_for(clinician.uid)
    subject = x509.load_der_x509_certificate(card.certificates["authentication"]).subject.rfc4514_string()
    assert f"{clinician.uid}_Amara_Osei" in subject
    real_office.ra.card_moves.give(clinician, card.serial, "report-lost", MoveAsked())
    carry_out_announcements(real_office, authority)
    for certificate in real_office.ra.finding.own(clinician).cards[0].certificates:
        assert certificate.status is CertificateStatus.REVOKED
        assert certificate.serial_number in revoked(authority, certificate.purpose.value)


def test_each_certificate_is_one_event_of_the_authority(real_office: Office) -> None:
    before = len(real_office.ra.audited())
    clinician = real_office.person(registration())
    real_office.card_for(clinician.uid)
    assert [event for event, _, _ in real_office.ra.audited()[before:]].count("card.activated") == 1
    about = select(audit_event.c.event).where(audit_event.c.subject == clinician.uid)

    def issued() -> int:
        with real_office.ra.database.read() as work:
            return list(work.connection.scalars(about)).count("certificate.issued")

    wait_until(issued, "the authority has audited the order")
    assert issued() == 2


def test_an_undone_issuance_can_never_be_certified(real_office: Office, authority: CaClient) -> None:
    clinician = real_office.person(registration())
    desk, card = real_office.begun(clinician.uid), real_office.blank()
    desk.approve(card, real_office.manager_card)
    desk.certify(card)
    real_office.ra.issuing.undo(real_office.manager, desk.id, "Card fell into the tea")
    carry_out_announcements(real_office, authority)
    stored = real_office.ra.finding.own(clinician).cards[0].certificates
    for certificate in stored:
        assert certificate.serial_number in revoked(authority, certificate.purpose.value)
    with pytest.raises(Refusal):
        desk.certify(card)


def test_a_crash_after_signing_is_healed_when_the_job_is_opened_again(
    real_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinician = real_office.person(registration())
    desk, card = real_office.begun(clinician.uid), real_office.blank()
    desk.approve(card, real_office.manager_card)

    def crash(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr("app.ra.certifying.Certifying.record_certificates", crash)
        with pytest.raises(KeyboardInterrupt):
            desk.certify(card)
    again = real_office.desk_again(desk.id)
    assert again.job["state"] == "certified"
    message = again.job["certificates"]
    assert isinstance(message, dict)
    again.complete(card, again.write(card, message))
    status = real_office.ra.issuing.issuance(real_office.manager, desk.id).status
    assert status is IssuanceStatus.ACTIVE


def test_after_the_manager_lost_the_role_the_authority_refuses(real_office: Office) -> None:
    clinician = real_office.person(registration())
    desk, card = real_office.begun(clinician.uid), real_office.blank()
    desk.approve(card, real_office.manager_card)
    with real_office.ra.database.change() as work:
        work.connection.exec_driver_sql("UPDATE role_profile SET withdrawn_at = granted_at")
    with pytest.raises(Refusal, match="right to issue"):
        desk.certify(card)
