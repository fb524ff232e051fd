"""The form of an OCSP answer (RFC 6960 section 4.2.1): its DER, from the values that it tells."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ca import der
from app.ca.status_values import Revocation
from app.domain.revocation import RevocationReason

HASHES: Mapping[str, bytes] = {
    "sha1": bytes.fromhex("300906052b0e03021a0500"),
    "sha256": bytes.fromhex("300d06096086480165030402010500"),
    "sha384": bytes.fromhex("300d06096086480165030402020500"),
}
"""AlgorithmIdentifiers by which a request may name an issuer. RFC 5019 requires SHA-1 of clients."""

REASON_CODES: Mapping[RevocationReason, int] = {
    RevocationReason.KEY_COMPROMISE: 1,
    RevocationReason.CA_COMPROMISE: 2,
    RevocationReason.AFFILIATION_CHANGED: 3,
    RevocationReason.SUPERSEDED: 4,
    RevocationReason.CESSATION_OF_OPERATION: 5,
    RevocationReason.PRIVILEGE_WITHDRAWN: 9,
}
"""CRLReason (RFC 5280 section 5.3.1) but ``unspecified``, which is told by leaving the reason out."""

_SUCCESSFUL = der.element(der.ENUMERATED, b"\0")
_BASIC = bytes.fromhex("06092b0601050507300101")
_NONCE = bytes.fromhex("06092b0601050507300102")
_GOOD, _UNKNOWN = b"\x80\x00", b"\x82\x00"
_EXPLICIT_0, _EXPLICIT_1, _EXPLICIT_2 = 0xA0, 0xA1, 0xA2

AnswerKind = tuple[str, bool, bool, bool, bool]
"""Hash, whether issued, whether revoked, whether with a reason, whether with a nonce."""


@dataclass(frozen=True)
class CertificateName:
    """How a request names a certificate (CertID): hashes of its issuer's name and key, and its serial number.

    Attributes:
        algorithm: a name in ``HASHES``.
    """

    algorithm: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int

    def encoded(self) -> bytes:
        """The CertID."""
        return der.sequence(
            HASHES[self.algorithm],
            der.element(der.OCTET_STRING, self.issuer_name_hash),
            der.element(der.OCTET_STRING, self.issuer_key_hash),
            der.integer(self.serial_number),
        )


@dataclass(frozen=True)
class Told:
    """What an answer tells.

    Attributes:
        issued: whether the issuing CA gave out the certificate at all; otherwise its status is ``unknown``.
        nonce: the request's; empty when it had none.
    """

    name: CertificateName
    issued: bool
    revocation: Revocation | None
    begins: datetime
    ends: datetime
    nonce: bytes = b""

    @property
    def kind(self) -> AnswerKind:
        """What answers of one form have in common, but for their values."""
        revoked = self.revocation
        has_reason = revoked is not None and revoked.reason in REASON_CODES
        return self.name.algorithm, self.issued, revoked is not None, has_reason, bool(self.nonce)


def response_data(told: Told, responder_key_hash: bytes) -> bytes:
    """What is signed (ResponseData); the responder is named by the SHA-1 of its key."""
    single = der.sequence(
        told.name.encoded(),
        _status(told),
        der.generalized_time(told.begins),
        der.element(_EXPLICIT_0, der.generalized_time(told.ends)),
    )
    return der.sequence(
        der.element(_EXPLICIT_2, der.element(der.OCTET_STRING, responder_key_hash)),
        der.generalized_time(told.begins),
        der.sequence(single),
        _extensions(told.nonce),
    )


def _status(told: Told) -> bytes:
    if not told.issued:
        return _UNKNOWN
    if told.revocation is None:
        return _GOOD
    reason = REASON_CODES.get(told.revocation.reason)
    told_reason = der.element(_EXPLICIT_0, der.element(der.ENUMERATED, bytes([reason]))) if reason else b""
    return der.element(_EXPLICIT_1, der.generalized_time(told.revocation.revoked_at), told_reason)


def _extensions(nonce: bytes) -> bytes:
    """The request's nonce comes back, so that an old answer cannot be replayed (RFC 9654)."""
    if not nonce:
        return b""
    value = der.element(der.OCTET_STRING, der.element(der.OCTET_STRING, nonce))
    return der.element(_EXPLICIT_1, der.sequence(der.sequence(_NONCE, value)))


def whole_answer(signed: bytes, responder_certificate: bytes) -> bytes:
    """An answer as it is given out: what was signed with algorithm and signature, and who signed it."""
    certificates = der.element(_EXPLICIT_0, der.sequence(responder_certificate))
    basic = der.element(der.OCTET_STRING, der.sequence(signed, certificates))
    return der.sequence(_SUCCESSFUL, der.element(_EXPLICIT_0, der.sequence(_BASIC, basic)))


def issuer_hashes(issuer: x509.Certificate, algorithm: str) -> tuple[bytes, bytes]:
    """The hashes of the issuer's name and key (RFC 6960 section 4.1.1), as a request carries them."""
    spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    # The key is hashed without tag, length and the count of unused bits of its BIT STRING.
    key = der.content(der.children(spki)[1])[1:]
    return _digest(algorithm, issuer.subject.public_bytes()), _digest(algorithm, key)


def _digest(algorithm: str, octets: bytes) -> bytes:
    return hashlib.new(algorithm, octets, usedforsecurity=False).digest()


def hash_name(algorithm: hashes.HashAlgorithm) -> str | None:
    """The algorithm's name in ``HASHES``; None for another."""
    return algorithm.name if algorithm.name in HASHES else None
