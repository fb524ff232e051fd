"""The gate before the CA's key: what the whole linter or the profile check refuses passes by no template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ca import contents, der
from app.ca.certificate_gate import CertificateGate
from app.ca.contents import StatusAddresses, Validity
from app.ca.csr import VerifiedCsr, spki_sha256
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.names import named_subject, person_subject
from app.ca.ports import PublicKey, SigningKey
from app.ca.profile_check import require_profile
from app.ca.profile_trial import trial_key, try_profiles
from app.ca.refusals import CertificateRefused
from app.ca.signing import sign_certificate, signature_hash
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import KeyType, rules_from_toml
from app.errors import InvalidInput
from tests.support.rewritten_der import rewritten, with_octets_exchanged

SHIPPED = (Path(__file__).parents[3] / "config" / "certificate_profiles.toml").read_text()
RULES = rules_from_toml(SHIPPED)
PROFILE = RULES.profiles[CertificatePurpose.AUTHENTICATION]
ADDRESSES = StatusAddresses("http://127.0.0.1:8080")
LINTER = Linter()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
UID = "555253521108"
UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
    # A serial number that is not positive; the tests make warnings errors.
    CryptographyDeprecationWarning,
)
CA_KEYS: dict[str, Callable[[], SigningKey]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA-3072": lambda: rsa.generate_private_key(65537, 3072),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


def issuer_of(key: SigningKey, one_in: int = 10**9) -> Issuer:
    name = named_subject((("O", "Spine RA"), ("CN", "Test CA")))
    lasting = Validity.beginning(NOW - timedelta(days=1), timedelta(days=3653))
    certificate = contents.root_ca(name, key.public_key(), lasting).sign(key, signature_hash(key))
    return Issuer(certificate, key, LINTER, ADDRESSES, one_in)


ISSUER = issuer_of(CA_KEYS["P-256"]())


def certificate_for(
    key: PublicKey, given: str = "Amara", family: str = "Osei", issuer: Issuer = ISSUER
) -> x509.Certificate:
    """A certificate as the issuer builds it, signed with the throw-away key and not checked yet."""
    validity = Validity.beginning(NOW, PROFILE.validity)
    subject = person_subject(PROFILE, UID, given, family)
    builder = contents.end_entity(PROFILE, subject, key, issuer.certificate, ADDRESSES, validity)
    return builder.sign(issuer.throw_away_key, signature_hash(issuer.key))


def gate_that_knows(*certificates: x509.Certificate, issuer: Issuer = ISSUER) -> CertificateGate:
    gate = CertificateGate(LINTER, issuer.certificate, ADDRESSES, 10**9)
    for certificate in certificates:
        gate.require_clean(PROFILE, certificate)
    return gate


def passes_whole(certificate: x509.Certificate, issuer: Issuer = ISSUER) -> bool:
    """Whether the profile check and the whole linter take it."""
    try:
        require_profile(certificate, PROFILE, issuer.certificate, ADDRESSES)
        LINTER.require_clean_certificate(certificate.public_bytes(Encoding.DER))
    except (CertificateRefused, *UNREADABLE):
        return False
    return True


EC_KEY, RSA_KEY = trial_key(KeyType.EC_P256), trial_key(KeyType.RSA_2048)
EC_GOOD, RSA_GOOD = certificate_for(EC_KEY), certificate_for(RSA_KEY)
GATE = gate_that_knows(EC_GOOD, RSA_GOOD)


def does_no_worse_than_the_whole(octets: bytes) -> bool:
    """Whether the gate passes it; if it does, the whole linter must as well."""
    try:
        certificate = x509.load_der_x509_certificate(octets)
    except UNREADABLE:
        return False
    passed = GATE.passes_by_template(PROFILE, certificate)
    assert not passed or passes_whole(certificate), octets.hex()
    return passed


@pytest.mark.parametrize("key_type", sorted(PROFILE.key_types))
def test_others_of_the_kind_pass_by_the_template(key_type: KeyType) -> None:
    gate = gate_that_knows(certificate_for(trial_key(key_type)))
    for given_name, family_name in (("Zoë", "O’Neill-Şahin"), ("A", "B"), ("Nguyễn", "Thị Minh Khai")):
        other = certificate_for(trial_key(key_type), given_name, family_name)
        assert gate.passes_by_template(PROFILE, other)
        assert passes_whole(other)


@pytest.mark.parametrize("good", [EC_GOOD, RSA_GOOD], ids=["P-256", "RSA-2048"])
def test_each_octet_changed(good: x509.Certificate) -> None:
    octets = good.public_bytes(Encoding.DER)
    end = len(octets) - len(der.children(octets)[2])
    passed = sum(
        does_no_worse_than_the_whole(octets[:at] + bytes([octets[at] ^ change]) + octets[at + 1 :])
        for at in range(end)
        for change in (0x01, 0x80)
    )
    # Serial numbers and names may differ, so some changes are as good as the original.
    assert 0 < passed < end


@settings(max_examples=400, deadline=None)
@given(data=st.data(), good=st.sampled_from([EC_GOOD, RSA_GOOD]))
def test_octets_put_in_left_out_and_exchanged(data: st.DataObject, good: x509.Certificate) -> None:
    does_no_worse_than_the_whole(with_octets_exchanged(data, good.public_bytes(Encoding.DER)))


@settings(max_examples=400, deadline=None)
@given(data=st.data(), good=st.sampled_from([EC_GOOD, RSA_GOOD]))
def test_fields_rewritten_so_that_all_lengths_fit(data: st.DataObject, good: x509.Certificate) -> None:
    """Any one element anywhere gets other content, or is doubled, left out or moved."""
    does_no_worse_than_the_whole(rewritten(data, good.public_bytes(Encoding.DER)))


def _common_name(value: str) -> x509.Name:
    return x509.Name([*list(EC_GOOD.subject)[:2], x509.NameAttribute(x509.NameOID.COMMON_NAME, value)])


END_OF_2050 = datetime(2051, 1, 1, tzinfo=UTC)
VALUES: dict[str, dict[str, object]] = {
    "another extension": {"extra": x509.OCSPNoCheck()},
    "an empty name": {"subject_name": x509.Name([])},
    "a common name of another form": {"subject_name": _common_name("Amara Osei")},
    "a name with a control character": {"subject_name": _common_name(f"{UID}_A\x01_B")},
    "a short serial number": {"serial_number": 5},
    "too long a validity": {"not_valid_after": NOW + PROFILE.validity + timedelta(seconds=1)},
    "an end after the issuer's": {
        "not_valid_before": END_OF_2050 - PROFILE.validity,
        "not_valid_after": END_OF_2050,
    },
    "another issuer": {"issuer_name": EC_GOOD.subject},
    "another key than its identifier says": {"public_key": trial_key(KeyType.EC_P256)},
    "a weak key": {"public_key": rsa.generate_private_key(65537, 1024).public_key()},
}


def good_but_for(changes: dict[str, object]) -> x509.Certificate:
    fields: dict[str, object] = {
        "subject_name": EC_GOOD.subject,
        "issuer_name": EC_GOOD.issuer,
        "public_key": EC_GOOD.public_key(),
        "serial_number": EC_GOOD.serial_number,
        "not_valid_before": EC_GOOD.not_valid_before_utc,
        "not_valid_after": EC_GOOD.not_valid_after_utc,
    }
    builder = x509.CertificateBuilder()
    for name, value in (fields | changes).items():
        if name in fields:
            builder = getattr(builder, name)(value)
    for extension in EC_GOOD.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    if "extra" in changes:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    return builder.sign(ISSUER.throw_away_key, signature_hash(ISSUER.key))


@pytest.mark.parametrize("what", VALUES)
def test_a_field_of_another_value_does_not_pass(what: str) -> None:
    assert GATE.passes_by_template(PROFILE, good_but_for({}))
    changed = good_but_for(VALUES[what])
    assert not GATE.passes_by_template(PROFILE, changed)
    with pytest.raises(CertificateRefused):
        GATE.require_sound(PROFILE, changed)


class CountingLinter(Linter):
    """Counts how often the whole linter runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def require_clean_certificate(self, octets: bytes) -> None:
        self.runs += 1
        super().require_clean_certificate(octets)


@pytest.mark.parametrize(("one_in", "runs"), [(10**9, 1), (1, 6)])
def test_the_first_of_a_profile_and_a_sample_are_linted_whole(one_in: int, runs: int) -> None:
    linter = CountingLinter()
    gate = CertificateGate(linter, ISSUER.certificate, ADDRESSES, one_in)
    gate.require_clean(PROFILE, EC_GOOD)
    linter.runs = 0
    for _ in range(6):
        gate.require_sound(PROFILE, certificate_for(trial_key(KeyType.EC_P256)))
    assert linter.runs == runs


def test_a_template_serves_its_own_profile_alone() -> None:
    longer = replace(PROFILE, validity=PROFILE.validity + timedelta(days=1))
    assert not GATE.passes_by_template(longer, EC_GOOD)
    assert not GATE.passes_by_template(RULES.profiles[CertificatePurpose.CONTENT_COMMITMENT], EC_GOOD)


@pytest.mark.parametrize("kind", CA_KEYS)
def test_every_profile_is_issued_for_every_key_type_by_a_ca_of_any_kind(kind: str) -> None:
    """Whole pkilint on each, and each passes the gate by its template afterwards."""
    issuer = issuer_of(CA_KEYS[kind]())
    names = ("authentication", "content-commitment", "systems")
    key_types = sum(len(each.key_types) for each in RULES.profiles.values())
    assert try_profiles(RULES, dict.fromkeys(names, issuer)) == key_types + 2 * len(
        RULES.profiles[CertificatePurpose.OCSP_SIGNER].key_types
    )
    key = trial_key(KeyType.EC_P256)
    prepared = issuer.prepare(
        PROFILE,
        person_subject(PROFILE, UID, "Amara", "Osei"),
        VerifiedCsr(key, KeyType.EC_P256, spki_sha256(key)),
        Validity.beginning(NOW, PROFILE.validity),
    )
    issued = x509.load_der_x509_certificate(issuer.issue(prepared))
    issued.verify_directly_issued_by(issuer.certificate)
    assert issued.tbs_certificate_bytes == prepared.linted.tbs_certificate_bytes


def test_a_profile_that_cannot_be_issued_is_named() -> None:
    wrong = rules_from_toml(SHIPPED.replace("validity_days = 730", "validity_days = 7300", 1))
    with pytest.raises(InvalidInput, match=r"authentication cannot be issued .*outlive") as refused:
        try_profiles(wrong, dict.fromkeys(("authentication", "content-commitment", "systems"), ISSUER))
    assert list(refused.value.problems) == ["profiles.authentication"]


def test_a_profile_of_a_ca_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidInput, match="no ceremony made a CA of this name"):
        try_profiles(RULES, {"authentication": ISSUER})


def test_a_signature_by_another_key_is_thrown_away() -> None:
    with pytest.raises(RuntimeError, match="does not verify"):
        sign_certificate(EC_GOOD, ec.generate_private_key(ec.SECP256R1()), ISSUER.certificate)
