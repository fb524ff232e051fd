"""CSRs verified, certificates prepared and issued, with keys in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from app.ca import refusals
from app.ca.contents import StatusAddresses, Validity, root_ca
from app.ca.csr import MAXIMUM_CSR_BYTES, UnverifiedCsr, VerifiedCsr, verify
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.names import named_subject, person_subject
from app.ca.ports import SigningKey
from app.ca.profile_check import require_profile
from app.ca.signing import signature_hash
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import CertificateProfile, KeyType, rules_from_toml
from tests.support.certificates import csr_of, ec_key

PROFILES = rules_from_toml(
    (Path(__file__).parents[3] / "config" / "certificate_profiles.toml").read_text()
).profiles
AUTHENTICATION = PROFILES[CertificatePurpose.AUTHENTICATION]
ADDRESSES = StatusAddresses("http://127.0.0.1:8080")
LINTER = Linter()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
VALIDITY = Validity.beginning(NOW, AUTHENTICATION.validity)
SUBJECT = person_subject(AUTHENTICATION, "555253521108", "Amara", "Osei")


def issuer_of(key: SigningKey, lasting: timedelta = timedelta(days=3653)) -> Issuer:
    name = named_subject((("O", "Spine RA"), ("CN", "Test CA")))
    builder = root_ca(name, key.public_key(), Validity.beginning(NOW, lasting))
    return Issuer(builder.sign(key, signature_hash(key)), key, LINTER, ADDRESSES)


@pytest.fixture
def issuer() -> Issuer:
    return issuer_of(ec_key())


def verified(key: ec.EllipticCurvePrivateKey | None = None) -> VerifiedCsr:
    return verify(UnverifiedCsr(csr_of(key or ec_key())), AUTHENTICATION)


def test_nothing_of_a_csr_is_taken_but_its_key(issuer: Issuer) -> None:
    """The CSR asks for the name "ignored" and to be a CA."""
    issued = x509.load_der_x509_certificate(
        issuer.issue(issuer.prepare(AUTHENTICATION, SUBJECT, verified(), VALIDITY))
    )
    assert issued.subject == SUBJECT
    assert not issued.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    "purpose", [CertificatePurpose.AUTHENTICATION, CertificatePurpose.CONTENT_COMMITMENT]
)
@pytest.mark.parametrize(
    "key",
    [ec_key(), ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["P-256", "P-384", "RSA-2048"],
)
def test_every_allowed_key_gives_a_certificate_that_is_clean(
    purpose: CertificatePurpose, key: SigningKey, issuer: Issuer
) -> None:
    profile = PROFILES[purpose]
    csr = verify(UnverifiedCsr(csr_of(key)), profile)
    der = issuer.issue(issuer.prepare(profile, SUBJECT, csr, VALIDITY))
    LINTER.require_clean_certificate(der)
    require_profile(x509.load_der_x509_certificate(der), profile, issuer.certificate, ADDRESSES)


@pytest.mark.parametrize(
    "key",
    [ec_key(), ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 3072)],
    ids=["P-256", "P-384", "RSA-3072"],
)
def test_an_issuing_ca_may_have_any_of_these_keys(key: SigningKey) -> None:
    issuer = issuer_of(key)
    der = issuer.issue(issuer.prepare(AUTHENTICATION, SUBJECT, verified(), VALIDITY))
    x509.load_der_x509_certificate(der).verify_directly_issued_by(issuer.certificate)


def test_what_is_prepared_is_issued_once(issuer: Issuer) -> None:
    prepared = issuer.prepare(AUTHENTICATION, SUBJECT, verified(), VALIDITY)
    issuer.issue(prepared)
    with pytest.raises(refusals.PreparedCertificateSpent):
        issuer.issue(prepared)


def test_what_one_ca_prepared_another_does_not_issue(issuer: Issuer) -> None:
    prepared = issuer.prepare(AUTHENTICATION, SUBJECT, verified(), VALIDITY)
    with pytest.raises(refusals.PreparedCertificateSpent):
        issuer_of(ec_key()).issue(prepared)


def test_what_is_prepared_does_not_verify_with_the_real_key(issuer: Issuer) -> None:
    prepared = issuer.prepare(AUTHENTICATION, SUBJECT, verified(), VALIDITY)
    with pytest.raises(Exception):  # noqa: B017, PT011 - InvalidSignature is not all that it may raise
        prepared.linted.verify_directly_issued_by(issuer.certificate)


def test_what_is_issued_is_byte_for_byte_what_was_linted(issuer: Issuer) -> None:
    prepared = issuer.prepare(AUTHENTICATION, SUBJECT, verified(), VALIDITY)
    issued = x509.load_der_x509_certificate(issuer.issue(prepared))
    assert issued.tbs_certificate_bytes == prepared.linted.tbs_certificate_bytes


def test_a_token_that_signs_with_another_key_is_found_out(issuer: Issuer) -> None:
    prepared = issuer.prepare(AUTHENTICATION, SUBJECT, verified(), VALIDITY)
    issuer.key = ec_key()
    with pytest.raises(RuntimeError, match="does not verify"):
        issuer.issue(prepared)


def test_a_certificate_never_outlives_its_ca() -> None:
    issuer = issuer_of(ec_key(), timedelta(days=700))
    with pytest.raises(refusals.ProfileViolated, match="outlive"):
        issuer.prepare(AUTHENTICATION, SUBJECT, verified(), VALIDITY)


OTHER_PROFILES: list[tuple[CertificateProfile, str]] = [
    (replace(AUTHENTICATION, validity=timedelta(days=731)), "validity"),
    (replace(AUTHENTICATION, key_usage=frozenset({"digitalSignature", "keyEncipherment"})), "key usage"),
    (replace(AUTHENTICATION, extended_key_usage=("OCSPSigning",)), "extended key usage"),
    (replace(AUTHENTICATION, extended_key_usage=()), "extensions"),
    (replace(AUTHENTICATION, policies=("1.2.3",)), "policies"),
    (replace(AUTHENTICATION, policies=()), "extensions"),
    (replace(AUTHENTICATION, subject=AUTHENTICATION.subject[1:]), "subject"),
    (replace(AUTHENTICATION, subject=(("O", "other"), *AUTHENTICATION.subject[1:])), "subject"),
    (replace(AUTHENTICATION, issuing_ca="other"), "addresses"),
]


@pytest.mark.parametrize(("profile", "word"), OTHER_PROFILES, ids=[word for _, word in OTHER_PROFILES])
def test_a_certificate_of_another_profile_is_found_out(
    profile: CertificateProfile, word: str, issuer: Issuer
) -> None:
    linted = issuer.prepare(AUTHENTICATION, SUBJECT, verified(), VALIDITY).linted
    with pytest.raises(refusals.ProfileViolated, match=word):
        issuer.prepare_again(profile, linted)


def test_the_linter_stops_an_error() -> None:
    """An empty subject without a subject alternative name (RFC 5280 section 4.1.2.6)."""
    key = ec_key()
    builder = root_ca(x509.Name([]), key.public_key(), VALIDITY)
    der = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    with pytest.raises(refusals.LintFailed, match="not signed because of"):
        LINTER.require_clean_certificate(der)


def test_a_csr_with_a_weak_hash_proves_nothing() -> None:
    der = csr_of(ec_key(), algorithm=hashes.SHA224())
    with pytest.raises(refusals.ProofOfPossessionFailed):
        verify(UnverifiedCsr(der), AUTHENTICATION)


def test_a_profile_may_refuse_a_kind_of_key() -> None:
    only_rsa = replace(AUTHENTICATION, key_types=frozenset({KeyType.RSA_2048}))
    with pytest.raises(refusals.KeyTypeNotAllowed):
        verify(UnverifiedCsr(csr_of(ec_key())), only_rsa)


def test_a_huge_csr_is_refused() -> None:
    with pytest.raises(refusals.CsrMalformed):
        verify(UnverifiedCsr(csr_of(ec_key()) + b"\0" * MAXIMUM_CSR_BYTES), AUTHENTICATION)


def test_a_csr_of_an_unknown_version_is_refused() -> None:
    """The library raises an error of its own kind for it, which is no ValueError."""
    csr = csr_of(ec_key())
    position = csr.index(b"\x02\x01\x00") + 2
    with pytest.raises(refusals.CsrMalformed):
        verify(UnverifiedCsr(csr[:position] + b"\x01" + csr[position + 1 :]), AUTHENTICATION)


@given(position=st.integers(0, 10_000), value=st.integers(1, 255))
def test_a_csr_with_one_octet_changed_is_refused_or_for_the_same_key(position: int, value: int) -> None:
    der = bytearray(SAMPLE_CSR)
    der[position % len(der)] ^= value
    try:
        changed = verify(UnverifiedCsr(bytes(der)), AUTHENTICATION)
    except refusals.CertificateRefused:
        return
    assert changed.spki_sha256 == SAMPLE.spki_sha256


SAMPLE_CSR = csr_of(ec_key())
SAMPLE = verify(UnverifiedCsr(SAMPLE_CSR), AUTHENTICATION)


@given(st.binary(max_size=300))
def test_any_octets_are_a_csr_or_refused(octets: bytes) -> None:
    with pytest.raises(refusals.CertificateRefused):
        verify(UnverifiedCsr(octets), AUTHENTICATION)
