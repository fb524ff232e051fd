"""The proof of a PIV card: a certificate by the card's own key in slot F9 (Yubico, PIV attestation).

The octets: the certificate of the key, and the card's F9 certificate, which a maker's root or an intermediate
of the maker signed. The extension 1.3.6.1.4.1.41482.3.7 holds the card's serial.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ca.attestation.verdict import ProofFalse, Proved, UnknownMaker

_SERIAL: Final = x509.ObjectIdentifier("1.3.6.1.4.1.41482.3.7")
_INTEGER: Final = 0x02


def verify_piv(proof: Sequence[bytes], roots: Sequence[x509.Certificate], now: datetime) -> Proved:
    """What the proof proves.

    Raises:
        ProofFalse: it is damaged, a signature is wrong, or the attesting key may not attest.
        UnknownMaker: it leads to none of the roots.
    """
    attested, *issuers = [_read(part) for part in proof]
    if not issuers:
        raise ProofFalse("The card's own certificate is missing.")
    path = [attested, *issuers]
    for certificate, issuer in pairwise(path):
        _require_issued(certificate, issuer)
    root = next((root for root in roots if _is_issued(path[-1], root)), None)
    if root is None:
        raise UnknownMaker(f"The card's maker is not known: {path[-1].issuer.rfc4514_string()}.")
    for certificate in (*path, root):
        _require_in_force(certificate, now)
    spki = attested.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Proved(spki, _serial(attested), root.subject.rfc4514_string())


def _read(octets: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(octets)
    except (ValueError, x509.InvalidVersion):
        raise ProofFalse("The attestation is no certificate.") from None


def _require_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """By an issuer that may issue: a leaf that a card certified attests nothing."""
    if not (_is_issued(certificate, issuer) and _may_issue(issuer)):
        raise ProofFalse("The attestation is not signed by the card's attestation key.")


def _is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _require_in_force(certificate: x509.Certificate, now: datetime) -> None:
    """Only that it has begun: cards attest for longer than their certificates say, as YubiKeys do."""
    if certificate.not_valid_before_utc > now:
        raise ProofFalse("The attestation is from the future; check the clocks.")


def _serial(attested: x509.Certificate) -> str:
    try:
        extension = attested.extensions.get_extension_for_oid(_SERIAL).value
    except (x509.ExtensionNotFound, ValueError):
        raise ProofFalse("The attestation does not name the card.") from None
    assert isinstance(extension, x509.UnrecognizedExtension)
    octets = extension.value
    if len(octets) < 3 or octets[0] != _INTEGER or octets[1] != len(octets) - 2:
        raise ProofFalse("The attestation does not name the card.")
    return str(int.from_bytes(octets[2:], "big"))
