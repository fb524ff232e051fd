"""Status made ahead: OCSP answers, CRLs and delta CRLs are given out though the authority is down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from flask.testing import FlaskClient
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import RevokedError

from app.adapters.ca_client import CaClient
from app.ca.refusals import ReasonNotTheirs
from app.ca_server import open_certificate_authority
from app.commands.ca import ca
from app.domain.certificate_order import CardCertificates
from app.errors import Unavailable
from app.settings import OcspAhead, Settings
from app.status_following import StatusFollower
from app.storage.ca.ceremony_record import CeremonyStore
from app.storage.database import Database
from app.storage.status_store import StatusStore
from app.web.status_answers import StatusAnswers
from app.web.status_pages import create_status_app
from tests.integration.ca.test_status import ocsp_request, openssl, pem, serial_of
from tests.support.certificates import (
    CardKeys,
    RegistrationRecord,
    authority_in_a_thread,
    founding_order,
    later,
)


@dataclass
class Status:
    """A status service with its follower, whose clock is moved by hand."""

    answers: StatusAnswers
    follower: StatusFollower
    pages: FlaskClient
    store: StatusStore

    def answer(self, request: bytes) -> ocsp.OCSPResponse:
        response = self.pages.post("/ocsp", data=request)
        assert response.status_code == 200
        return ocsp.load_der_ocsp_response(response.data)


class Moments:
    def __init__(self) -> None:
        self.passed = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.passed


def status_of(settings: Settings, clock: Moments | None = None, ahead: OcspAhead = OcspAhead.ALL) -> Status:
    client, moments = CaClient(settings.ca.socket), clock or Moments()
    store = StatusStore(settings.status.folder / "answers.db")
    answers = StatusAnswers(client, store, moments)
    follower = StatusFollower(client, store, answers, ahead, moments)
    return Status(answers, follower, create_status_app(answers).test_client(), store)


@pytest.fixture
def client(ca_settings: Settings, record: RegistrationRecord) -> Iterator[CaClient]:
    with authority_in_a_thread(ca_settings) as client:
        yield client


def order_cards(client: CaClient) -> CardCertificates:
    return client.issue_card_certificates(founding_order(CardKeys.new()))


def by_sha1(issued: CardCertificates) -> bytes:
    return ocsp_request(issued.authentication, issued.chain[0], algorithm=hashes.SHA1())


def test_all_is_given_out_while_the_authority_is_down_and_after_a_new_start(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    with authority_in_a_thread(ca_settings) as client:
        issued = order_cards(client)
        for name in ("authentication", "content-commitment", "systems"):
            client.crl(name)
        status_of(ca_settings).follower.follow_once()
    anew = status_of(ca_settings)
    with pytest.raises(Unavailable):
        anew.follower.follow_once()
    for _ in range(2):
        answer = anew.answer(by_sha1(issued))
        assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
        answer.certificates[0].verify_directly_issued_by(x509.load_der_x509_certificate(issued.chain[0]))
    for path in ("crl/authentication.crl", "delta-crl/authentication.crl", "crl/root.crl"):
        assert x509.load_der_x509_crl(anew.pages.get(f"/{path}").data).next_update_utc is not None
    assert anew.pages.get("/certificates/authentication.cer").data == issued.chain[0]
    nobody_asked_before = ocsp_request(issued.authentication, issued.chain[0], algorithm=hashes.SHA384())
    assert anew.pages.post("/ocsp", data=nobody_asked_before).status_code == 503


def test_a_revocation_takes_the_place_of_the_answer_made_ahead(
    ca_settings: Settings, client: CaClient
) -> None:
    issued, status = order_cards(client), status_of(ca_settings)
    status.follower.follow_once()
    assert status.answer(by_sha1(issued)).certificate_status is ocsp.OCSPCertStatus.GOOD
    client.revoke(serial_of(issued.authentication), "keyCompromise", later())
    status.follower.follow_once()
    answer = status.answer(by_sha1(issued))
    assert answer.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert answer.revocation_reason is x509.ReasonFlags.key_compromise
    crl = x509.load_der_x509_crl(status.pages.get("/crl/authentication.crl").data)
    serial_number = x509.load_der_x509_certificate(issued.authentication).serial_number
    assert crl.get_revoked_certificate_by_serial_number(serial_number) is not None


def test_the_newest_certificate_s_revocation_is_told_to_whoever_was_told_of_everything(
    ca_settings: Settings, client: CaClient
) -> None:
    """Its place among the changes becomes free, and must not be given again."""
    issued, status = order_cards(client), status_of(ca_settings)
    status.follower.follow_once()
    for each in (issued.content_commitment, issued.authentication):
        before = status.store.position()
        client.revoke(serial_of(each), "keyCompromise", later())
        status.follower.follow_once()
        assert status.store.position() > before
    assert status.answer(by_sha1(issued)).certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_a_store_that_nobody_keeps_up_is_not_believed_while_the_authority_answers(
    ca_settings: Settings, client: CaClient
) -> None:
    issued = order_cards(client)
    status_of(ca_settings).follower.follow_once()
    client.revoke(serial_of(issued.authentication), "keyCompromise", later())
    without_news = status_of(ca_settings)
    assert without_news.answer(by_sha1(issued)).certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_answers_are_made_anew_at_half_of_their_life_and_end_with_the_certificate(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    clock = Moments()
    with authority_in_a_thread(ca_settings, clock) as client:
        issued, status = order_cards(client), status_of(ca_settings, clock)
        status.follower.follow_once()
        first = status.answer(by_sha1(issued))
        clock.passed = timedelta(hours=5, minutes=59)
        status.follower.follow_once()
        assert status.answer(by_sha1(issued)).this_update_utc == first.this_update_utc
        clock.passed = timedelta(hours=6, minutes=1)
        status.follower.follow_once()
        status.answers.changed()
        renewed = status.answer(by_sha1(issued))
        assert renewed.this_update_utc > first.this_update_utc
        assert renewed.this_update_utc < first.next_update_utc
        assert status.store.count_answers() == 2
        clock.passed = timedelta(days=740)
        status.follower.follow_once()
        assert status.store.count_answers() == 0


def test_by_policy_only_what_was_asked_for_is_made_ahead(ca_settings: Settings, client: CaClient) -> None:
    issued, status = order_cards(client), status_of(ca_settings, ahead=OcspAhead.ASKED)
    status.follower.follow_once()
    assert status.store.count_answers() == 0
    status.answer(by_sha1(issued))
    status.follower.follow_once()
    assert status.store.count_answers() == 1
    client.revoke(serial_of(issued.authentication), "superseded", later())
    status.follower.follow_once()
    assert status.answer(by_sha1(issued)).certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_a_hash_that_was_asked_by_is_answered_ahead_from_then_on(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    with authority_in_a_thread(ca_settings) as client:
        issued, status = order_cards(client), status_of(ca_settings)
        request = ocsp_request(issued.authentication, issued.chain[0], algorithm=hashes.SHA256())
        status.follower.follow_once()
        status.answer(request)
        status.follower.follow_once()
    answer = status_of(ca_settings).answer(request)
    assert isinstance(answer.hash_algorithm, hashes.SHA256)


def test_unknown_numbers_are_not_kept(ca_settings: Settings, client: CaClient) -> None:
    issued, status = order_cards(client), status_of(ca_settings)
    status.follower.follow_once()
    loaded = ocsp.load_der_ocsp_request(by_sha1(issued))
    request = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        loaded.issuer_name_hash, loaded.issuer_key_hash, 2**158 + 7, loaded.hash_algorithm
    )
    der = request.build().public_bytes(Encoding.DER)
    assert status.answer(der).certificate_status is ocsp.OCSPCertStatus.UNKNOWN
    status.follower.follow_once()
    assert status.store.count_answers() == 2


@dataclass(frozen=True)
class Lists:
    """A complete and a delta CRL from before a revocation, and the delta CRL from after it."""

    complete: x509.CertificateRevocationList
    delta: x509.CertificateRevocationList
    delta_before: bytes


@pytest.fixture
def lists(client: CaClient) -> tuple[CardCertificates, Lists]:
    issued = order_cards(client)
    complete, before = client.crl("authentication"), client.delta_crl("authentication")
    client.revoke(serial_of(issued.authentication), "keyCompromise", later())
    delta = client.delta_crl("authentication")
    assert delta.number > complete.number
    loaded = (x509.load_der_x509_crl(each.der) for each in (complete, delta))
    return issued, Lists(*loaded, before.der)


def test_a_delta_says_what_an_older_complete_crl_lacks(lists: tuple[CardCertificates, Lists]) -> None:
    issued, (complete, delta) = lists[0], (lists[1].complete, lists[1].delta)
    certificate = x509.load_der_x509_certificate(issued.authentication)
    assert complete.get_revoked_certificate_by_serial_number(certificate.serial_number) is None
    assert delta.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
    indicator = delta.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    number = complete.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert indicator.critical
    assert indicator.value.crl_number <= number
    for holder in (complete, certificate):
        [point] = holder.extensions.get_extension_for_class(x509.FreshestCRL).value
        assert point.full_name is not None
        assert str(point.full_name[0].value).endswith("/delta-crl/authentication.crl")


@pytest.mark.parametrize(("deltas", "verdict"), [((), "OK"), (("-use_deltas",), "certificate revoked")])
def test_openssl_refuses_by_the_delta(
    deltas: tuple[str, ...], verdict: str, lists: tuple[CardCertificates, Lists], tmp_path: Path
) -> None:
    issued, made = lists
    files = {
        "leaf.pem": pem(issued.authentication),
        "issuer.pem": pem(issued.chain[0]),
        "root.pem": pem(issued.chain[2]),
        "crls.pem": made.complete.public_bytes(Encoding.PEM) + made.delta.public_bytes(Encoding.PEM),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    told = openssl(
        *("verify", "-x509_strict", "-crl_check", "-extended_crl", *deltas, "-partial_chain"),
        *("-CRLfile", tmp_path / "crls.pem", "-trusted", tmp_path / "issuer.pem", tmp_path / "leaf.pem"),
    )
    assert verdict in told


def test_another_validator_refuses_by_the_delta(
    lists: tuple[CardCertificates, Lists], client: CaClient
) -> None:
    issued, made = lists
    root_crl = client.crl("root").der

    def validate(*crls: bytes) -> None:
        trusted, *others = (asn1.Certificate.load(der) for der in (issued.chain[2], issued.chain[0]))
        context = ValidationContext(
            trust_roots=[trusted], crls=[root_crl, *crls], revocation_mode="require", other_certs=others
        )
        leaf = asn1.Certificate.load(issued.authentication)
        validator = CertificateValidator(leaf, validation_context=context)
        asyncio.run(validator.async_validate_usage({"digital_signature"}))

    complete, delta = (each.public_bytes(Encoding.DER) for each in (made.complete, made.delta))
    validate(complete, made.delta_before)
    with pytest.raises(RevokedError):
        validate(complete, delta)


def test_an_ocsp_responder_is_made_anew_before_it_ends_without_a_ceremony(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    clock = Moments()
    clock.passed = timedelta(days=61)
    with open_certificate_authority(ca_settings, clock) as operations:
        issued = operations.authority.issue_card_certificates(founding_order(CardKeys.new()))
        answer = ocsp.load_der_ocsp_response(operations.responder.answer(by_sha1(issued)))
        [signer] = answer.certificates
        assert (signer.not_valid_after_utc - clock()).days >= 89
        assert operations.signers.renew(clock()) == [], "nothing is due any more"
    assert "ocsp-authentication-2" in _names(ca_settings)


def _names(settings: Settings) -> list[str]:
    database = Database(settings.ca.database_url)
    names = [each.name for each in CeremonyStore(database).keys()]  # noqa: SIM118 - it is no mapping
    database.close()
    return names


def test_the_command_makes_all_of_them_anew(ca_settings: Settings, record: RegistrationRecord) -> None:
    before = set(_names(ca_settings))
    config = ca_settings.data.folder / "config.toml"
    done = CliRunner().invoke(ca, ["renew-ocsp-signers", "--settings", str(config)])
    assert done.exit_code == 0, done.output
    assert set(_names(ca_settings)) - before == {
        "ocsp-authentication-2",
        "ocsp-content-commitment-2",
        "ocsp-systems-2",
    }
    with authority_in_a_thread(ca_settings) as client:
        assert client.renew_ocsp_signers() == []


def test_that_a_ca_is_compromised_is_for_its_own_operators_to_say(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    config = ca_settings.data.folder / "config.toml"
    with authority_in_a_thread(ca_settings) as client:
        serial = serial_of(order_cards(client).authentication)
        with pytest.raises(ReasonNotTheirs):
            client.revoke(serial, "cACompromise", later())
        with pytest.raises(ReasonNotTheirs):
            client.withdraw("founding-1", "cACompromise", later())
        assert (
            x509.load_der_x509_crl(client.crl("authentication").der).get_revoked_certificate_by_serial_number(
                int(serial, 16)
            )
            is None
        )
    done = CliRunner().invoke(ca, ["revoke", "--settings", str(config), serial, "cACompromise"])
    assert done.exit_code == 0, done.output
    with authority_in_a_thread(ca_settings) as client:
        crl = x509.load_der_x509_crl(client.crl("authentication").der)
    assert crl.get_revoked_certificate_by_serial_number(int(serial, 16)) is not None
