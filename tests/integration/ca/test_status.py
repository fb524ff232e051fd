"""Revocation told by CRL and OCSP, checked with OpenSSL; the status service while the authority is down."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from app.adapters.ca_client import CaClient
from app.ca import refusals
from app.domain.certificate_order import CardCertificates, serial_number_text
from app.errors import Unavailable
from app.settings import Settings
from app.web.status_answers import StatusAnswers
from app.web.status_pages import create_status_app
from tests.support.certificates import (
    CardKeys,
    RegistrationRecord,
    authority_in_a_thread,
    founding_order,
    later,
)


@pytest.fixture
def client(ca_settings: Settings, record: RegistrationRecord) -> Iterator[CaClient]:
    with authority_in_a_thread(ca_settings) as client:
        yield client


@pytest.fixture
def issued(client: CaClient) -> CardCertificates:
    return client.issue_card_certificates(founding_order(CardKeys.new()))


@pytest.fixture
def pages(client: CaClient) -> FlaskClient:
    return create_status_app(StatusAnswers(client)).test_client()


@pytest.fixture
def status_url(client: CaClient) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_status_app(StatusAnswers(client)), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def serial_of(der: bytes) -> str:
    return serial_number_text(x509.load_der_x509_certificate(der).serial_number)


def pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def ocsp_request(der: bytes, issuer: bytes, *, nonce: bytes = b"", algorithm: object = None) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        x509.load_der_x509_certificate(der),
        x509.load_der_x509_certificate(issuer),
        algorithm or hashes.SHA256(),  # type: ignore[arg-type]
    )
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def with_serial_number(request: bytes, serial_number: int) -> bytes:
    """The request for another certificate of the same CA."""
    loaded = ocsp.load_der_ocsp_request(request)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        loaded.issuer_name_hash, loaded.issuer_key_hash, serial_number, loaded.hash_algorithm
    )
    return builder.build().public_bytes(Encoding.DER)


def openssl(*arguments: object) -> str:
    command = ["openssl", *(str(each) for each in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.fixture
def files(issued: CardCertificates, client: CaClient, tmp_path: Path) -> Path:
    """The certificates as PEM files for OpenSSL."""
    authentication_ca, _commitment_ca, root = issued.chain
    (tmp_path / "leaf.pem").write_bytes(pem(issued.authentication))
    (tmp_path / "issuer.pem").write_bytes(pem(authentication_ca))
    (tmp_path / "root.pem").write_bytes(pem(root))
    (tmp_path / "chain.pem").write_bytes(pem(authentication_ca) + pem(root))
    return tmp_path


def ask_openssl(files: Path, url: str, *options: str) -> str:
    return openssl(
        *("ocsp", "-issuer", files / "issuer.pem", "-cert", files / "leaf.pem"),
        *("-url", f"{url}/ocsp", "-CAfile", files / "chain.pem", *options),
    )


def verify_with_openssl(files: Path, client: CaClient) -> str:
    crls = b""
    for name in ("authentication", "root"):
        crls += x509.load_der_x509_crl(client.crl(name).der).public_bytes(Encoding.PEM)
    (files / "crls.pem").write_bytes(crls)
    return openssl(
        *("verify", "-x509_strict", "-crl_check_all", "-CRLfile", files / "crls.pem"),
        *("-CAfile", files / "root.pem", "-untrusted", files / "issuer.pem", files / "leaf.pem"),
    )


def test_openssl_believes_the_ocsp_answer_before_and_after_revocation(
    files: Path, status_url: str, client: CaClient, issued: CardCertificates
) -> None:
    good = ask_openssl(files, status_url)
    assert "Response verify OK" in good
    assert "leaf.pem: good" in good
    client.revoke(serial_of(issued.authentication), "keyCompromise", later())
    revoked = ask_openssl(files, status_url)
    assert "Response verify OK" in revoked
    assert "leaf.pem: revoked" in revoked
    assert "Reason: keyCompromise" in revoked
    without_nonce = ask_openssl(files, status_url, "-no_nonce")
    assert "Response verify OK" in without_nonce
    assert "leaf.pem: revoked" in without_nonce


def test_openssl_believes_the_crls_before_and_after_revocation(
    files: Path, client: CaClient, issued: CardCertificates
) -> None:
    assert verify_with_openssl(files, client).endswith("leaf.pem: OK\n")
    client.revoke(serial_of(issued.authentication), "keyCompromise", later())
    assert "certificate revoked" in verify_with_openssl(files, client)


def test_a_second_revocation_changes_nothing(client: CaClient, issued: CardCertificates) -> None:
    serial = serial_of(issued.authentication)
    client.revoke(serial, "keyCompromise", later(minutes=-5))
    first = client.crl("authentication")
    client.revoke(serial.upper(), "superseded", later())
    assert client.crl("authentication") == first
    entry = x509.load_der_x509_crl(first.der).get_revoked_certificate_by_serial_number(int(serial, 16))
    assert entry is not None
    assert (
        entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        is x509.ReasonFlags.key_compromise
    )


def test_crl_numbers_rise_and_each_ca_has_its_own(client: CaClient, issued: CardCertificates) -> None:
    before = client.crl("authentication").number
    commitment = client.crl("content-commitment")
    client.revoke(serial_of(issued.authentication), "superseded", later())
    after = client.crl("authentication")
    assert after.number == before + 1
    number = x509.load_der_x509_crl(after.der).extensions.get_extension_for_class(x509.CRLNumber).value
    assert number.crl_number == after.number
    assert client.crl("content-commitment") == commitment


def test_an_unspecified_reason_is_left_out(client: CaClient, issued: CardCertificates) -> None:
    serial = serial_of(issued.authentication)
    client.revoke(serial, "unspecified", later())
    crl = x509.load_der_x509_crl(client.crl("authentication").der)
    entry = crl.get_revoked_certificate_by_serial_number(int(serial, 16))
    assert entry is not None
    assert not list(entry.extensions)


def test_unknown_reasons_and_certificates_are_refused(client: CaClient, issued: CardCertificates) -> None:
    with pytest.raises(refusals.ReasonUnknown):
        client.revoke(serial_of(issued.authentication), "certificateHold", later())
    with pytest.raises(refusals.CertificateUnknown):
        client.revoke("1234", "keyCompromise", later())


def answer_to(request: bytes, pages: FlaskClient) -> ocsp.OCSPResponse:
    response = pages.post("/ocsp", data=request, content_type="application/ocsp-request")
    assert response.status_code == 200
    assert response.content_type == "application/ocsp-response"
    return ocsp.load_der_ocsp_response(response.data)


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384()])
def test_a_serial_number_that_was_never_issued_is_unknown(
    algorithm: hashes.HashAlgorithm, issued: CardCertificates, pages: FlaskClient
) -> None:
    request = with_serial_number(
        ocsp_request(issued.authentication, issued.chain[0], algorithm=algorithm), 12345
    )
    assert answer_to(request, pages).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_another_authority_gets_unauthorized(issued: CardCertificates, pages: FlaskClient) -> None:
    answer = answer_to(ocsp_request(issued.authentication, issued.authentication), pages)
    assert answer.response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED


def test_a_certificate_of_one_ca_is_unknown_to_another(issued: CardCertificates, pages: FlaskClient) -> None:
    serial = x509.load_der_x509_certificate(issued.authentication).serial_number
    request = with_serial_number(ocsp_request(issued.content_commitment, issued.chain[1]), serial)
    assert answer_to(request, pages).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"\x30\x00", b"\x30" * 900])
def test_garbage_is_malformed(garbage: bytes, pages: FlaskClient) -> None:
    assert answer_to(garbage, pages).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_a_nonce_comes_back_and_such_an_answer_is_kept_nowhere(
    issued: CardCertificates, pages: FlaskClient
) -> None:
    request = ocsp_request(issued.authentication, issued.chain[0], nonce=b"n" * 32)
    response = pages.post("/ocsp", data=request)
    answer = ocsp.load_der_ocsp_response(response.data)
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * 32
    assert response.headers["Cache-Control"] == "no-store"
    too_long = ocsp_request(issued.authentication, issued.chain[0], nonce=b"n" * 33)
    assert answer_to(too_long, pages).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_an_answer_by_get_may_be_cached_for_seconds(issued: CardCertificates, pages: FlaskClient) -> None:
    request = ocsp_request(issued.authentication, issued.chain[0])
    path = base64.b64encode(request).decode().replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")
    response = pages.get(f"/ocsp/{path}")
    assert response.status_code == 200
    answer = ocsp.load_der_ocsp_response(response.data)
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert response.headers["Cache-Control"] == "public, no-transform, must-revalidate, max-age=2"
    assert response.last_modified == answer.this_update_utc
    assert response.expires == answer.next_update_utc
    again = pages.get(f"/ocsp/{path}", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_slashes_in_a_row_in_a_request_by_get_reach_the_responder(
    issued: CardCertificates, pages: FlaskClient
) -> None:
    assert pages.get("/ocsp/AAAA//8=").status_code == 200
    assert pages.get("/ocsp/not%20base64").status_code == 400
    assert pages.get("/ocsp/" + "A" * 4000).status_code == 413


@pytest.mark.parametrize("name", ["root", "authentication", "content-commitment", "systems"])
def test_crls_and_certificates_are_where_certificates_say(
    name: str, pages: FlaskClient, client: CaClient
) -> None:
    crl = pages.get(f"/crl/{name}.crl")
    assert crl.content_type == "application/pkix-crl"
    assert x509.load_der_x509_crl(crl.data).next_update_utc == crl.expires
    certificate = pages.get(f"/certificates/{name}.cer")
    assert certificate.content_type == "application/pkix-cert"
    assert certificate.data == client.certificates()[name]


@pytest.mark.parametrize(
    "path",
    [
        "/crl/nobody.crl",
        "/certificates/nobody.cer",
        "/certificates/ocsp-authentication.cer",
        "/crl/..%2F..%2Fetc%2Fpasswd.crl",
        "/crl/ROOT.crl",
        "/crl/" + "a" * 100 + ".crl",
    ],
)
def test_other_names_are_not_found(path: str, pages: FlaskClient) -> None:
    assert pages.get(path).status_code == 404


def test_a_huge_request_is_turned_away(pages: FlaskClient) -> None:
    assert pages.post("/ocsp", data=b"x" * 5000).status_code == 413


def test_the_last_documents_are_given_out_while_the_authority_is_down(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    pages = create_status_app(StatusAnswers(CaClient(ca_settings.ca.socket))).test_client()
    with authority_in_a_thread(ca_settings):
        issued = CaClient(ca_settings.ca.socket).issue_card_certificates(founding_order(CardKeys.new()))
        request = ocsp_request(issued.authentication, issued.chain[0])
        crl, answer = pages.get("/crl/authentication.crl"), pages.post("/ocsp", data=request)
        certificate = pages.get("/certificates/authentication.cer")
        assert {crl.status_code, answer.status_code, certificate.status_code} == {200}
    assert pages.get("/crl/authentication.crl").data == crl.data
    assert pages.post("/ocsp", data=request).data == answer.data
    assert pages.get("/certificates/authentication.cer").data == certificate.data
    unknown = pages.get("/crl/systems.crl")
    assert unknown.status_code == 503
    assert unknown.headers["Retry-After"] == "30"
    other = ocsp_request(issued.content_commitment, issued.chain[1])
    assert pages.post("/ocsp", data=other).status_code == 503


def test_nothing_is_given_out_after_its_next_update(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    moment, seconds = [later()], [0.0]
    answers = StatusAnswers(CaClient(ca_settings.ca.socket), None, lambda: moment[0], lambda: seconds[0])
    with authority_in_a_thread(ca_settings):
        crl = answers.crl("authentication")
    assert crl.next_update is not None
    seconds[0] += 60
    assert answers.crl("authentication") == crl
    moment[0] = crl.next_update + timedelta(seconds=1)
    with pytest.raises(Unavailable):
        answers.crl("authentication")
