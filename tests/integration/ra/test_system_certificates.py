"""Client certificates of systems with the real certificate authority: asked for, issued, revoked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.adapters.ca_outbox import ca_outbox_handlers
from app.bootstrap.systems import system_abilities
from app.ca_server import certificate_authority_at_rest
from app.domain.actor import Actor
from app.domain.system_certificate import RENEW_BEFORE
from app.domain.system_details import SystemDetails
from app.domain.system_request import CannotApproveOwnSystemRequest, SystemRequestAlreadyOpen
from app.errors import InvalidInput, NotPermitted
from app.ra.certifying_systems import IssuingSystemCertificates
from app.ra.organisation_scope import OrganisationScope
from app.ra.systems import SystemAbilities
from app.settings import Settings
from app.storage.database import Database
from tests.fakes.certificate_authority import InMemoryCertificateAuthority
from tests.support.certificates import authority_in_a_thread, csr_of
from tests.support.registration_authority import (
    PRACTICE,
    Office,
    RegistrationAuthority,
    add_reference_data,
    another,
    founded,
)

OPERATOR = Actor.system("ca-operator")
DETAILS = SystemDetails(PRACTICE, "Product", "1", "For it", ("urn:nhs:names:services:mm:PORX_IN020101UK31",))


@pytest.fixture
def both(ca_settings: Settings) -> Iterator[Office]:
    """The office on the database that the real certificate authority reads."""
    database = Database(ca_settings.database.url)
    add_reference_data(database)
    yield founded(RegistrationAuthority(database, InMemoryCertificateAuthority()))
    database.close()


@pytest.fixture
def systems(both: Office) -> SystemAbilities:
    return system_abilities(both.ra.database, OrganisationScope())


@pytest.fixture
def asid(both: Office, systems: SystemAbilities) -> str:
    return systems.deciding.approve(
        both.manager, systems.requesting.register(both.sponsor, DETAILS, "New"), ""
    )


def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def issued(office: Office, settings: Settings):
    with certificate_authority_at_rest(settings) as operations:
        issuing = IssuingSystemCertificates(office.ra.database, operations.authority.issue_system_certificate)
        return issuing.issue_approved(OPERATOR)


def test_two_people_ask_and_approve_and_the_authority_makes_it_out_to_the_asid(
    both: Office, systems: SystemAbilities, asid: str, ca_settings: Settings
) -> None:
    pem = x509.load_der_x509_csr(csr_of(key(), "somebody else")).public_bytes(Encoding.PEM)
    request = systems.certifying.request(both.sponsor, asid, pem, "First certificate")
    assert issued(both, ca_settings) == ([], [])
    with pytest.raises(CannotApproveOwnSystemRequest):
        systems.deciding.approve(replace(both.manager, uid=both.sponsor.uid), request, "")
    systems.deciding.approve(both.manager, request, "")
    (certificate,), refused = issued(both, ca_settings)
    assert refused == []
    subject = x509.load_der_x509_certificate(certificate.der).subject.rfc4514_string()
    assert subject == f"CN={asid},O=Spine RA Systems"
    assert systems.looking_up.system(both.manager, asid).certificates == (certificate,)
    assert issued(both, ca_settings) == ([], [])


def test_a_new_certificate_is_made_while_the_old_one_works(
    both: Office, systems: SystemAbilities, asid: str, ca_settings: Settings
) -> None:
    first, second = key(), key()
    for each in (first, second):
        request = systems.certifying.request(both.sponsor, asid, csr_of(each), "Renewal")
        systems.deciding.approve(both.manager, request, "")
        issued(both, ca_settings)
    certificates = systems.looking_up.system(both.manager, asid).certificates
    assert [each.revoked_at for each in certificates] == [None, None]
    with pytest.raises(InvalidInput, match="has a certificate already"):
        systems.certifying.request(both.sponsor, asid, csr_of(first), "Again")
    assert certificates[0].is_due_at(certificates[0].not_after - RENEW_BEFORE)
    assert not certificates[0].is_due_at(certificates[0].not_before)


def test_one_certificate_is_revoked_and_a_withdrawal_revokes_the_rest(
    both: Office, systems: SystemAbilities, asid: str, ca_settings: Settings
) -> None:
    for _ in range(2):
        request = systems.certifying.request(both.sponsor, asid, csr_of(key()), "Needed")
        systems.deciding.approve(both.manager, request, "")
    # Both are approved; the operator issues them in one go.
    serials = [each.serial_number for each in _two(both, systems, asid, ca_settings)]
    with pytest.raises(InvalidInput, match="Choose why"):
        systems.certifying.revoke(both.sponsor, serials[0], "because")
    systems.certifying.revoke(both.sponsor, serials[0], "keyCompromise")
    withdrawal = systems.requesting.withdraw(both.sponsor, asid, "Gone")
    systems.deciding.approve(both.manager, withdrawal, "")
    certificates = systems.looking_up.system(both.manager, asid).certificates
    reasons = {each.serial_number: each.reason for each in certificates}
    assert reasons == {serials[0]: "keyCompromise", serials[1]: "cessationOfOperation"}
    with authority_in_a_thread(ca_settings) as client:
        handlers = ca_outbox_handlers(client)
        with both.ra.database.read() as work:
            rows = work.outbox.due(list(handlers))
        for row in rows:
            handlers[row.topic](row)
        crl = x509.load_der_x509_crl(client.crl("systems").der)
    assert {f"{entry.serial_number:x}" for entry in crl} == set(serials)


def _two(office: Office, systems: SystemAbilities, asid: str, settings: Settings):
    issued(office, settings)
    certificates = systems.looking_up.system(office.manager, asid).certificates
    assert len(certificates) == 2
    return certificates


def test_what_is_no_good_request_is_refused_with_what_to_do(
    both: Office, systems: SystemAbilities, asid: str
) -> None:
    weak = csr_of(rsa.generate_private_key(65537, 1024))
    private = key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    broken = bytearray(csr_of(key()))
    broken[-1] ^= 1
    for sent, says in (
        (b"", "Paste the certificate signing request"),
        (b"x" * 20_000, "too large"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nnothing\n", "cannot be read"),
        (b"garbage", "cannot be read"),
        (private, "private key"),
        (weak, "RSA-1024"),
        (bytes(broken), "not signed with its own key"),
    ):
        with pytest.raises(InvalidInput) as refused:
            systems.certifying.request(both.sponsor, asid, sent, "New")
        assert says in refused.value.problems["csr"]


def test_only_those_with_the_right_ask_and_one_at_a_time(
    both: Office, systems: SystemAbilities, asid: str
) -> None:
    clinician = both.person(another(70), both.position("GP", "R8000", "B0420", at=PRACTICE))
    with pytest.raises(NotPermitted):
        systems.certifying.request(clinician, asid, csr_of(key()), "New")
    systems.certifying.request(both.sponsor, asid, csr_of(key()), "New")
    with pytest.raises(SystemRequestAlreadyOpen):
        systems.certifying.request(both.sponsor, asid, csr_of(key()), "New")
