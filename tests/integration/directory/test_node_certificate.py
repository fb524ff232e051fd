"""The certificate of this machine's replicas is trusted by slapd, and nothing that is signed with its key."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from app.service.node_certificate import node_certificate
from directory.connection import ClientTls, open_session
from directory.errors import DirectoryUnavailable
from directory.server_tls import ServerTls
from directory.slapd import Slapd
from tests.support.slapd import ThrowAwayAuthority, free_port

ASID = "200000000123"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    node_certificate(tmp_path, datetime.now(UTC))
    return tmp_path


def signed_with_its_key(folder: Path) -> ClientTls:
    """A system's certificate, as whoever stole the key would make it."""
    node = x509.load_pem_x509_certificate((folder / "node.pem").read_bytes())
    stolen = load_pem_private_key((folder / "node.key").read_bytes(), None)
    assert isinstance(stolen, ec.EllipticCurvePrivateKey)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ASID)])
    until = now + timedelta(days=1)
    builder = x509.CertificateBuilder(node.subject, subject, key.public_key(), 5, now, until)
    chain = builder.sign(stolen, hashes.SHA256()).public_bytes(Encoding.PEM) + node.public_bytes(Encoding.PEM)
    (folder / "forged.pem").write_bytes(chain)
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    (folder / "forged.key").write_bytes(key.private_bytes(*form))
    return ClientTls(folder / "Server.pem", folder / "forged.pem", folder / "forged.key")


def test_it_is_made_once_and_its_key_is_for_its_owner_alone(folder: Path) -> None:
    made = (folder / "node.pem").read_bytes()
    assert node_certificate(folder, datetime.now(UTC)) == made
    assert stat.S_IMODE((folder / "node.key").stat().st_mode) == 0o600


def test_slapd_lets_it_in_and_nothing_that_its_key_signed(folder: Path) -> None:
    server = ThrowAwayAuthority(folder, "Server").server()
    tls = ServerTls(server.certificate, server.key, folder / "node.pem")
    slapd = Slapd(folder / "d", free_port(), tls)
    slapd.start()
    try:
        node = ClientTls(folder / "Server.pem", folder / "node.pem", folder / "node.key")
        with open_session(slapd.ldaps_url, node) as session:
            assert session.search("ou=ReferenceData,o=nhs", scope="BASE") == []
        with pytest.raises(DirectoryUnavailable):
            open_session(slapd.ldaps_url, signed_with_its_key(folder))
    finally:
        slapd.stop()
