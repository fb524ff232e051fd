"""Every profile is tried before the first order: a trial certificate for each key type that it allows.

What cannot be issued is found when the process starts, by its sentence, and never at a desk. The trial
certificates are signed with throw-away keys; the certificate gate compares later ones with them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from app.ca.contents import Validity
from app.ca.csr import VerifiedCsr, spki_sha256
from app.ca.issuance import Issuer
from app.ca.names import named_subject
from app.ca.ports import PublicKey
from app.ca.refusals import CertificateRefused
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import CertificateProfile, CertificateRules, KeyType
from app.errors import InvalidInput

_CURVES: Mapping[KeyType, ec.EllipticCurve] = {
    KeyType.EC_P256: ec.SECP256R1(),
    KeyType.EC_P384: ec.SECP384R1(),
}
_LONGEST_FIELDS = {"uid": 12 * "9", "asid": 12 * "9", "given_name": "Trial", "family_name": "Trial"}


def try_profiles(rules: CertificateRules, issuers: Mapping[str, Issuer]) -> int:
    """Try every profile with every key type at its issuing CA. Returns how many certificates were tried.

    Raises:
        InvalidInput: naming the profile, the key type and why such a certificate cannot be issued.
    """
    tried = 0
    for profile, issuing_ca in _profiles_of(rules, issuers):
        for key_type in sorted(profile.key_types):
            _try(profile, issuing_ca, issuers[issuing_ca], key_type)
            tried += 1
    return tried


def _profiles_of(
    rules: CertificateRules, issuers: Mapping[str, Issuer]
) -> Iterator[tuple[CertificateProfile, str]]:
    """Each profile with the name of its issuing CA; the OCSP responders' with every one."""
    for profile in rules.profiles.values():
        if profile.purpose is CertificatePurpose.OCSP_SIGNER:
            yield from ((profile, name) for name in issuers)
            continue
        for name in profile.issuing_cas:
            if name not in issuers:
                raise _cannot(profile, name, "no ceremony made a CA of this name")
        yield profile, profile.issuing_ca


def _try(profile: CertificateProfile, issuing_ca: str, issuer: Issuer, key_type: KeyType) -> None:
    key = trial_key(key_type)
    subject = named_subject(profile.subject, issuing_ca=issuing_ca, **_LONGEST_FIELDS)
    validity = Validity.beginning(issuer.certificate.not_valid_before_utc, profile.validity)
    try:
        issuer.rehearse(profile, subject, VerifiedCsr(key, key_type, spki_sha256(key)), validity)
    except (CertificateRefused, ValueError) as refusal:
        raise _cannot(profile, f"{key_type} at {issuing_ca}", str(refusal)) from refusal


def _cannot(profile: CertificateProfile, what: str, why: str) -> InvalidInput:
    sentence = f"The certificate profile {profile.purpose} cannot be issued ({what}): {why}"
    return InvalidInput({f"profiles.{profile.purpose}": sentence})


def trial_key(key_type: KeyType) -> PublicKey:
    """A public key of this type whose private half nobody has; an RSA one has none: its modulus is random."""
    if key_type is KeyType.ED25519:
        return ed25519.Ed25519PrivateKey.generate().public_key()
    if key_type in _CURVES:
        return ec.generate_private_key(_CURVES[key_type]).public_key()
    bits = int(key_type.removeprefix("RSA-"))
    modulus = secrets.randbits(bits) | 1 << (bits - 1) | 1
    return rsa.RSAPublicNumbers(65537, modulus).public_key()
