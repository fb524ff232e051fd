"""A system whose certificate the certificate authority revokes is refused by the directory that runs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.adapters.ca_outbox import tell_directory_of_revocations
from app.ca_server import certificate_authority_at_rest
from app.domain.certificate_order import SystemCertificateOrder, serial_number_text
from app.errors import Unavailable
from app.settings import Settings
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
        tell_directory_of_revocations(client, revocations)
        assert may_read(slapd, tls)
        client.revoke(serial_number, "keyCompromise", later())
        tell_directory_of_revocations(client, revocations)
    assert not may_read(slapd, tls)
    with pytest.raises(Unavailable):
        tell_directory_of_revocations(client, revocations)
