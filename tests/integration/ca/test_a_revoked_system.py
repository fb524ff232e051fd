"""A system whose certificate the certificate authority revokes is refused by the directory that runs."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.adapters.ca_outbox import tell_directory_of_revocations
from app.adapters.directory_entries import locked_out_systems
from app.bootstrap.validation import ca_certificate, revoked_by_root, revoked_issuers
from app.ca_root import revoke_authority
from app.ca_server import certificate_authority_at_rest
from app.domain.certificate_order import CertificatePurpose, SystemCertificateOrder, serial_number_text
from app.domain.system_certificate import SystemCertificate
from app.errors import Unavailable
from app.ra.distrusting_systems import DistrustingSystems
from app.settings import Settings
from app.validation.anchors import RevokedByRoot
from directory.connection import ClientTls, open_session
from directory.errors import DirectoryUnavailable
from directory.publishing import Publisher
from directory.revocation import RevocationLists
from directory.server_tls import ServerTls
from directory.services import AccreditedSystemEntry, Approval
from directory.slapd import Slapd
from tests.integration.ca.test_outages import add_system
from tests.support.certificates import RegistrationRecord, authority_in_a_thread, csr_of, ec_key, later
from tests.support.slapd import ThrowAwayAuthority, free_port

ASID = "200000000123"
SYSTEMS = "systems"


@pytest.fixture
def trusted(ca_settings: Settings, tmp_path: Path) -> Path:
    """The authorities of systems' certificates, as the first start writes them."""
    file = tmp_path / "authorities.pem"
    public = ca_settings.ca.folder / "public"
    ders = ((public / f"{name}.cer").read_bytes() for name in ("systems", "root"))
    file.write_bytes(b"".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in ders))
    return file


@pytest.fixture
def slapd(trusted: Path, tmp_path: Path):
    server = ThrowAwayAuthority(tmp_path, "Server").server()
    slapd = Slapd(tmp_path / "d", free_port(), ServerTls(server.certificate, server.key, trusted))
    slapd.start()
    with closing(Publisher(slapd.ldapi_url, slapd.publishing_lock)) as publisher:
        approval = Approval(later(), later())
        publisher.publish(
            AccreditedSystemEntry(ASID, "A81001", "A81001-7", ("urn:x",), approval, reads=("endpoints",))
        )
    yield slapd
    slapd.stop()


def certify(settings: Settings, tmp_path: Path) -> tuple[ClientTls, str]:
    """A certificate of the system, as an operator has it issued; and its serial number."""
    key = ec_key()
    with certificate_authority_at_rest(settings) as operations:
        der = operations.authority.issue_system_certificate(
            SystemCertificateOrder("system-1", ASID, csr_of(key))
        )
    certificate = x509.load_der_x509_certificate(der)
    files = tmp_path / "system.pem", tmp_path / "system.key"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    tls = ClientTls(tmp_path / "Server.pem", *files)
    return tls, serial_number_text(certificate.serial_number)


def may_read(slapd: Slapd, tls: ClientTls) -> bool:
    try:
        with open_session(slapd.ldaps_url, tls) as session:
            return bool(session.search("ou=Services,o=nhs", f"(uniqueIdentifier={ASID})"))
    except DirectoryUnavailable:
        return False


def test_revoked_by_the_authority_is_refused_by_the_directory(
    ca_settings: Settings, record: RegistrationRecord, slapd: Slapd, tmp_path: Path
) -> None:
    add_system(record, ASID, "active")
    tls, serial_number = certify(ca_settings, tmp_path)
    revocations = RevocationLists(lambda: [slapd.folder])
    with authority_in_a_thread(ca_settings) as client:
        tell_directory_of_revocations(client, [SYSTEMS], revocations, RevokedByRoot())
        assert may_read(slapd, tls)
        client.revoke(serial_number, "keyCompromise", later())
        tell_directory_of_revocations(client, [SYSTEMS], revocations, RevokedByRoot())
    assert not may_read(slapd, tls)
    with pytest.raises(Unavailable):
        tell_directory_of_revocations(client, [SYSTEMS], revocations, RevokedByRoot())


REVOCATION = """\
[authority]
name = "systems"
reason = "cACompromise"
revoked_at = {at:%Y-%m-%dT%H:%M:%S}Z
because = "The HSM was found open"
witnesses = ["Ines Okafor", "Rui Brandt"]
"""


def with_its_authority(tls: ClientTls, authority: x509.Certificate, folder: Path) -> ClientTls:
    """The system's certificate with that of its authority behind it, as many clients bring it."""
    assert tls.certificate is not None
    chain = folder / "chain.pem"
    chain.write_bytes(tls.certificate.read_bytes() + authority.public_bytes(Encoding.PEM))
    return replace(tls, certificate=chain)


def revoke_systems_authority(settings: Settings, folder: Path) -> None:
    file = folder / "revocation.toml"
    file.write_text(REVOCATION.format(at=datetime.now(UTC)))
    revoke_authority(settings, file, lambda review, name: True)


def test_of_an_authority_that_the_root_revoked_no_system_is_let_in(
    ca_settings: Settings, record: RegistrationRecord, slapd: Slapd, tmp_path: Path
) -> None:
    add_system(record, ASID, "active")
    tls, _ = certify(ca_settings, tmp_path)
    chain = with_its_authority(tls, ca_certificate(ca_settings, "systems"), tmp_path)
    revocations = RevocationLists(lambda: [slapd.folder])
    for expected in (True, False):
        with authority_in_a_thread(ca_settings) as client:
            tell_directory_of_revocations(client, [SYSTEMS], revocations, revoked_by_root(ca_settings))
        assert (may_read(slapd, tls), may_read(slapd, chain)) == (expected, expected)
        if expected:
            revoke_systems_authority(ca_settings, tmp_path)
    slapd.stop()
    slapd.start()
    assert (may_read(slapd, tls), may_read(slapd, chain)) == (False, False)


def keep_certificate(record: RegistrationRecord, serial_number: str, file: Path) -> None:
    """On record, as one that the registration authority had made for the system."""
    der = x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER)
    with record.database.change() as work:
        ends_at = work.now + timedelta(days=30)
        work.system_certificates.add(
            SystemCertificate(serial_number, ASID, None, serial_number, work.now, ends_at, der)
        )


def test_of_an_authority_that_the_root_revoked_every_system_is_locked_out(
    ca_settings: Settings, record: RegistrationRecord, tmp_path: Path
) -> None:
    add_system(record, ASID, "active")
    certify(ca_settings, tmp_path)
    keep_certificate(record, "0a1b", tmp_path / "system.pem")
    revoked = partial(revoked_issuers, ca_settings, CertificatePurpose.SYSTEM)
    distrusting = DistrustingSystems(record.database, revoked)
    assert distrusting.sweep() == 0
    revoke_systems_authority(ca_settings, tmp_path)
    assert (distrusting.sweep(), distrusting.sweep()) == (1, 0)
    with record.database.read() as work:
        kept = work.system_certificates.get("0a1b")
        assert kept is not None
        assert kept.revoked_by == "system:worker"
        assert ASID in locked_out_systems(work)
    keep_certificate(record, "0a1c", ThrowAwayAuthority(tmp_path, "Another").system(ASID).certificate)
    assert distrusting.sweep() == 0, "of a CA that is not revoked"
    with record.database.read() as work:
        assert ASID not in locked_out_systems(work)
