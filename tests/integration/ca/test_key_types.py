"""Authorities with each kind of key, from the ceremony on SoftHSM to certificates, CRL, OCSP and receipt."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask.testing import FlaskClient

from app.adapters.ca_client import CaClient
from app.adapters.public_files import public_material
from app.ca.key_strength import key_type_of
from app.ca_ceremony import hold_ceremony
from app.ca_files import CEREMONY_FILE
from app.domain.certificate_order import CardCertificates
from app.domain.receipt import receipt_from_untrusted
from app.domain.receipt_verification import problems_of, verify_receipt
from app.settings import Settings
from app.storage.database import Database
from app.storage.tables import metadata
from app.web.status_answers import StatusAnswers
from app.web.status_pages import create_status_app
from tests.integration.ca.test_status import ocsp_request, openssl, pem, serial_of
from tests.support.certificates import (
    FOUNDER_FAMILY,
    FOUNDER_GIVEN,
    OPERATOR,
    CardKeys,
    RegistrationRecord,
    authority_in_a_thread,
    founding_order,
    later,
    settings_in,
)

KEY_TYPES = ["EC-P384", "RSA-3072", "Ed25519"]


@pytest.fixture(scope="module", params=KEY_TYPES)
def authority(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Settings]]:
    """An authority all of whose CAs and responders have keys of one kind, and the founder's open issuance."""
    folder = tmp_path_factory.mktemp("ca")
    settings = settings_in(folder / "data")
    hold_ceremony(settings, ceremony_with(folder, request.param))
    database = Database(settings.database.url)
    metadata.create_all(database.engine)
    record = RegistrationRecord(database)
    record.add_person(OPERATOR, FOUNDER_GIVEN, FOUNDER_FAMILY)
    record.add_issuance("founding-1", OPERATOR, None)
    yield request.param, settings
    database.close()


def ceremony_with(folder: Path, key_type: str) -> Path:
    """The example ceremony with that kind of key for every CA and OCSP responder."""
    shutil.copy(CEREMONY_FILE.with_name("founding.example.toml"), folder)
    authorities, rest = CEREMONY_FILE.read_text().split("[audit_seal]")
    changed = re.sub(r'key_type = ".*"', f'key_type = "{key_type}"', authorities)
    file = folder / "ceremony.toml"
    file.write_text(f"{changed}[audit_seal]{rest}")
    return file


@pytest.fixture(scope="module")
def client(authority: tuple[str, Settings]) -> Iterator[CaClient]:
    with authority_in_a_thread(authority[1]) as client:
        yield client


@pytest.fixture(scope="module")
def issued(client: CaClient) -> CardCertificates:
    return client.issue_card_certificates(founding_order(CardKeys.new()))


def test_every_ca_and_responder_has_a_key_of_that_kind(
    authority: tuple[str, Settings], issued: CardCertificates
) -> None:
    key_type, settings = authority
    made = list((settings.ca.folder / "public").glob("*.cer"))
    kinds = {key_type_of(x509.load_der_x509_certificate(path.read_bytes()).public_key()) for path in made}
    assert len(made) == 7
    assert kinds == {key_type}


def test_openssl_verifies_a_card_s_certificates_with_the_crls(
    client: CaClient, issued: CardCertificates, tmp_path: Path
) -> None:
    authentication_ca, commitment_ca, root = issued.chain
    pairs = (
        ("authentication", issued.authentication, authentication_ca),
        ("content-commitment", issued.content_commitment, commitment_ca),
    )
    (tmp_path / "root.pem").write_bytes(pem(root))
    for name, leaf, issuer in pairs:
        crls = [x509.load_der_x509_crl(client.crl(each).der) for each in (name, "root")]
        (tmp_path / "crls.pem").write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in crls))
        (tmp_path / "issuer.pem").write_bytes(pem(issuer))
        (tmp_path / "leaf.pem").write_bytes(pem(leaf))
        told = openssl(
            *("verify", "-x509_strict", "-crl_check_all", "-CRLfile", tmp_path / "crls.pem"),
            *("-CAfile", tmp_path / "root.pem", "-untrusted", tmp_path / "issuer.pem", tmp_path / "leaf.pem"),
        )
        assert told.endswith("leaf.pem: OK\n"), told


def test_openssl_believes_ocsp_before_and_after_revocation(
    client: CaClient, issued: CardCertificates, tmp_path: Path
) -> None:
    pages = create_status_app(StatusAnswers(client)).test_client()
    assert "leaf.pem: good" in asked(pages, issued, tmp_path)
    client.revoke(serial_of(issued.authentication), "keyCompromise", later())
    assert "leaf.pem: revoked" in asked(pages, issued, tmp_path)


def asked(pages: FlaskClient, issued: CardCertificates, folder: Path) -> str:
    """What OpenSSL makes of the answer to a request with a nonce, which is signed there and then."""
    issuer, _commitment_ca, root = issued.chain
    request = ocsp_request(issued.authentication, issuer, nonce=b"n" * 16)
    answer = pages.post("/ocsp", data=request, content_type="application/ocsp-request")
    files = {
        "request": request,
        "answer": answer.data,
        "leaf.pem": pem(issued.authentication),
        "issuer.pem": pem(issuer),
        "chain.pem": pem(issuer) + pem(root),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    told = openssl(
        *("ocsp", "-no_nonce", "-reqin", folder / "request", "-respin", folder / "answer"),
        *(
            "-issuer",
            folder / "issuer.pem",
            "-sha256",
            "-cert",
            folder / "leaf.pem",
            "-CAfile",
            folder / "chain.pem",
        ),
    )
    assert "Response verify OK" in told, told
    return told


def test_the_receipt_verifies(
    authority: tuple[str, Settings], client: CaClient, issued: CardCertificates
) -> None:
    receipt = receipt_from_untrusted(client.receipt(serial_of(issued.authentication)))
    assert problems_of(verify_receipt(receipt, public_material(authority[1].ca.folder / "public"))) == []
