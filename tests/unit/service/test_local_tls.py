"""The TLS certificates of this machine's servers: made, kept, renewed in time."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from app.service.local_tls import make_local_tls

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SERVERS = ["web", "directory"]


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_later_start_changes_nothing(tmp_path: Path) -> None:
    assert make_local_tls(tmp_path, SERVERS, NOW)
    before = contents(tmp_path)
    assert not make_local_tls(tmp_path, SERVERS, NOW + timedelta(days=300))
    assert contents(tmp_path) == before


def test_servers_are_renewed_before_they_expire_and_keep_their_keys(tmp_path: Path) -> None:
    make_local_tls(tmp_path, SERVERS, NOW)
    before = certificate(tmp_path, "web")
    later = before.not_valid_after_utc - timedelta(days=29)
    assert not make_local_tls(tmp_path, SERVERS, later), "browsers trust the same authority"
    after = certificate(tmp_path, "web")
    assert after.not_valid_after_utc > later + timedelta(days=300)
    assert after.public_key() == before.public_key()
    after.verify_directly_issued_by(certificate(tmp_path, "ca"))


def test_an_authority_near_its_end_is_made_anew_with_every_server(tmp_path: Path) -> None:
    make_local_tls(tmp_path, SERVERS, NOW)
    later = certificate(tmp_path, "ca").not_valid_after_utc - timedelta(days=1)
    assert make_local_tls(tmp_path, SERVERS, later), "people must be told to trust it"
    for name in SERVERS:
        certificate(tmp_path, name).verify_directly_issued_by(certificate(tmp_path, "ca"))
        assert certificate(tmp_path, name).not_valid_after_utc > later + timedelta(days=300)


def test_a_machine_that_was_renamed_gets_certificates_of_its_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_local_tls(tmp_path, SERVERS, NOW)
    monkeypatch.setattr(socket, "gethostname", lambda: "ward-7")
    make_local_tls(tmp_path, SERVERS, NOW)
    names = certificate(tmp_path, "directory").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert "ward-7" in names.value.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("lost", ["ca.key", "ca.pem", "web.key", "web.pem"])
def test_what_was_lost_is_made_so_that_everything_fits_again(tmp_path: Path, lost: str) -> None:
    make_local_tls(tmp_path, SERVERS, NOW)
    (tmp_path / lost).unlink()
    make_local_tls(tmp_path, SERVERS, NOW)
    for name in SERVERS:
        certificate(tmp_path, name).verify_directly_issued_by(certificate(tmp_path, "ca"))


def test_keys_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    make_local_tls(tmp_path, SERVERS, NOW)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.key")} == {0o600}


def test_the_authority_that_browsers_are_told_to_trust_is_for_this_machine_alone(tmp_path: Path) -> None:
    """Whoever gets hold of its key must not be able to stand in for other sites."""
    make_local_tls(tmp_path, SERVERS, NOW)
    extension = certificate(tmp_path, "ca").extensions.get_extension_for_class(x509.NameConstraints)
    assert extension.critical
    assert {str(each.value) for each in extension.value.permitted_subtrees or []} == {
        "localhost",
        socket.gethostname(),
        "127.0.0.1/32",
    }


def openssl_says(folder: Path, *names: x509.GeneralName) -> str:
    """How OpenSSL answers to a certificate for these names, signed with the local authority's key."""
    key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    issuer = certificate(folder, "ca")
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    start, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(days=1)
    builder = x509.CertificateBuilder(
        issuer.subject, subject, key.public_key(), x509.random_serial_number(), start, end
    )
    forged = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, SHA256())
    (folder / "forged.pem").write_bytes(forged.public_bytes(Encoding.PEM))
    command = ["openssl", "verify", "-CAfile", str(folder / "ca.pem"), str(folder / "forged.pem")]
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.stdout + answer.stderr


def test_a_certificate_for_another_site_is_refused_by_verifiers(tmp_path: Path) -> None:
    make_local_tls(tmp_path, SERVERS, datetime.now(UTC))
    assert "OK" in openssl_says(tmp_path, x509.DNSName("localhost"))
    assert "permitted subtree violation" in openssl_says(tmp_path, x509.DNSName("www.example.org"))
    elsewhere = x509.IPAddress(ipaddress.ip_address("192.0.2.1"))
    assert "permitted subtree violation" in openssl_says(tmp_path, elsewhere)
