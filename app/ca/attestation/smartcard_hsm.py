"""The proof of a SmartCard-HSM: the certificate request that the device signed when it made the key.

The octets: the authenticated request (67) as the card wrote it, and EF 2F02, which is the device's CV
certificate and its issuer's. The device's holder reference is its serial and five digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ca.attestation.cv_certificates import (
    AUTHENTICATED_REQUEST,
    AUTHORITY,
    CV_CERTIFICATE,
    SIGNATURE,
    CvCertificate,
    NotACvCertificate,
    objects,
    one_object,
    read_certificate,
    verify,
)
from app.ca.attestation.verdict import ProofFalse, Proved, UnknownMaker

_SEQUENCE_DIGITS: Final = 5


def verify_smartcard_hsm(proof: Sequence[bytes], roots: Sequence[CvCertificate]) -> Proved:
    """What the proof proves.

    Raises:
        ProofFalse: it is damaged, or a signature is wrong.
        UnknownMaker: it leads to none of the roots.
    """
    if len(proof) != 2:
        raise ProofFalse("The device's certificates are missing.")
    try:
        return _verified(proof[0], proof[1], roots)
    except NotACvCertificate as error:
        raise ProofFalse(f"The device's request cannot be read: {error}.") from None


def _verified(told: bytes, device_certificates: bytes, roots: Sequence[CvCertificate]) -> Proved:
    device, issuer = _device_and_issuer(device_certificates)
    root = next((root for root in roots if root.holder == issuer.authority), None)
    if root is None:
        raise UnknownMaker(f"The card's maker is not known: {issuer.authority}.")
    issuer = issuer.with_curve_of(root)
    device = device.with_curve_of(issuer)
    request, signed, signature = _request(told)
    request = request.with_curve_of(device)
    is_true = (
        verify(root.key, issuer.signature, issuer.body)
        and device.authority == issuer.holder
        and verify(issuer.key, device.signature, device.body)
        and verify(device.key, signature, signed)
        and verify(request.key, request.signature, request.body)
    )
    if not is_true or request.key is None:
        raise ProofFalse("The request is not signed by the device that its maker certified.")
    spki = request.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Proved(spki, device.holder[:-_SEQUENCE_DIGITS], root.holder)


def _device_and_issuer(octets: bytes) -> tuple[CvCertificate, CvCertificate]:
    found = [read_certificate(whole) for tag, _, whole in objects(octets) if tag == CV_CERTIFICATE]
    if len(found) != 2:
        raise ProofFalse("The device carries other certificates than its own and its issuer's.")
    return found[0], found[1]


def _request(told: bytes) -> tuple[CvCertificate, bytes, bytes]:
    """The request within, what the device signed, and its signature."""
    tag, content, _ = one_object(told)
    if tag != AUTHENTICATED_REQUEST:
        raise NotACvCertificate("not an authenticated request")
    parts = {tag: (value, whole) for tag, value, whole in objects(content)}
    if not {CV_CERTIFICATE, AUTHORITY, SIGNATURE} <= set(parts):
        raise NotACvCertificate("an authenticated request with parts missing")
    inner = parts[CV_CERTIFICATE][1]
    return read_certificate(inner), inner + parts[AUTHORITY][1], parts[SIGNATURE][0]
