"""OCSP answers (RFC 6960), signed by the responder that each issuing CA delegated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from app.ca.crl import reason_flag
from app.ca.lint import Linter
from app.ca.ports import CertificateLedger, Revocation, SigningKey
from app.ca.signing import signature_hash, throw_away_key
from app.clock import Clock
from app.domain.certificate_order import serial_number_text
from app.domain.revocation import RevocationReason

MAXIMUM_REQUEST_BYTES = 1024
MAXIMUM_NONCE_BYTES = 32
"""RFC 9654 section 2.1 lets a responder limit the nonce."""


@dataclass(frozen=True)
class Responder:
    """The responder that an issuing CA delegated: the CA's certificate, its own, and its key."""

    issuer: x509.Certificate
    certificate: x509.Certificate
    key: SigningKey


class OCSPResponder:
    """Answers for every issuing CA.

    Args:
        responders: by name of the issuing CA.
        validity: from this update to next update.
    """

    def __init__(
        self,
        responders: Mapping[str, Responder],
        ledger: CertificateLedger,
        validity: timedelta,
        linter: Linter,
        clock: Clock,
    ) -> None:
        self._responders = responders
        self._ledger = ledger
        self._validity = validity
        self._linter = linter
        self._clock = clock
        self._stand_ins = {name: _stand_in(each) for name, each in responders.items()}

    def answer(self, request_from_untrusted: bytes) -> bytes:
        """Answer a request, DER to DER. Never raises for what a stranger sent.

        ``malformedRequest`` for what cannot be read, ``unauthorized`` for a CA that is not ours (RFC 5019
        section 2.2.3), ``unknown`` for a serial number that was never issued.
        """
        request = _request(request_from_untrusted)
        if request is None:
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        found = self._responder_for(request)
        if found is None:
            return _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        return self._signed_answer(request, *found)

    def _responder_for(self, request: ocsp.OCSPRequest) -> tuple[str, Responder] | None:
        wanted = (request.issuer_name_hash, request.issuer_key_hash)
        for name, responder in self._responders.items():
            if _issuer_hashes(responder, type(request.hash_algorithm)) == wanted:
                return name, responder
        return None

    def _signed_answer(self, request: ocsp.OCSPRequest, issuing_ca: str, responder: Responder) -> bytes:
        """Build the answer, lint it as a stand-in would give it, and sign it."""
        serial_number = serial_number_text(request.serial_number)
        record = self._ledger.find(serial_number)
        issued = record is not None and record.audited and record.intended.issuing_ca == issuing_ca
        revocation = self._ledger.revocation(serial_number) if issued else None
        begins = self._clock().replace(microsecond=0)
        answer = _with_answer(request, revocation, issued=issued, begins=begins, ends=begins + self._validity)
        builder = _with_nonce(answer, request)
        self._linter.require_clean_ocsp_answer(_sign(builder, self._stand_ins[issuing_ca]))
        return _sign(builder, responder)


def _request(der: bytes) -> ocsp.OCSPRequest | None:
    """The request, when it can be read: one certificate, a known hash, a nonce that is not too long."""
    if len(der) > MAXIMUM_REQUEST_BYTES:
        return None
    try:
        request = ocsp.load_der_ocsp_request(der)
        nonces = [each.value.nonce for each in request.extensions if isinstance(each.value, x509.OCSPNonce)]
        known_hash = isinstance(request.hash_algorithm, hashes.SHA1 | hashes.SHA256 | hashes.SHA384)
    except (ValueError, NotImplementedError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return None
    too_long = any(not 0 < len(nonce) <= MAXIMUM_NONCE_BYTES for nonce in nonces)
    return request if known_hash and not too_long else None


@lru_cache(maxsize=64)
def _issuer_hashes(responder: Responder, algorithm: type[hashes.HashAlgorithm]) -> tuple[bytes, bytes]:
    """The hashes of the issuer's name and key (RFC 6960 section 4.1.1), as a request carries them."""
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(responder.certificate, responder.issuer, algorithm())
        .build()
    )
    return request.issuer_name_hash, request.issuer_key_hash


def _with_answer(
    request: ocsp.OCSPRequest,
    revocation: Revocation | None,
    *,
    issued: bool,
    begins: datetime,
    ends: datetime,
) -> ocsp.OCSPResponseBuilder:
    """The answer to the one certificate in the request (RFC 6960 section 4.2.1)."""
    status = ocsp.OCSPCertStatus.GOOD if issued else ocsp.OCSPCertStatus.UNKNOWN
    time, reason = None, None
    if revocation is not None:
        status, time = ocsp.OCSPCertStatus.REVOKED, revocation.revoked_at
        if revocation.reason is not RevocationReason.UNSPECIFIED:
            reason = reason_flag(revocation.reason)
    return ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=request.issuer_name_hash,
        issuer_key_hash=request.issuer_key_hash,
        serial_number=request.serial_number,
        algorithm=request.hash_algorithm,
        cert_status=status,
        this_update=begins,
        next_update=ends,
        revocation_time=time,
        revocation_reason=reason,
    )


def _with_nonce(builder: ocsp.OCSPResponseBuilder, request: ocsp.OCSPRequest) -> ocsp.OCSPResponseBuilder:
    """The request's nonce comes back, so that an old answer cannot be replayed (RFC 9654)."""
    for extension in request.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            return builder.add_extension(extension.value, critical=False)
    return builder


def _stand_in(responder: Responder) -> Responder:
    """A responder with a throw-away key and a certificate for it: the library wants the two to fit."""
    key = throw_away_key(responder.key)
    certificate = responder.certificate
    builder = x509.CertificateBuilder(
        certificate.issuer,
        certificate.subject,
        key.public_key(),
        certificate.serial_number,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )
    return Responder(responder.issuer, builder.sign(key, signature_hash(key)), key)


def _sign(builder: ocsp.OCSPResponseBuilder, responder: Responder) -> bytes:
    certificate, key = responder.certificate, responder.key
    named = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
    return named.sign(key, signature_hash(key)).public_bytes(Encoding.DER)


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
