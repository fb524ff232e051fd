"""An OCSP answer that a stranger hands in, checked before it is believed (RFC 6960 section 3.2)."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.validation.certificates import is_valid_at
from app.validation.refusals import StatusUnknown
from app.validation.revocation_list import StatusLimits, require_in_force
from app.validation.status import Revoked

LARGEST_ANSWER_BYTES = 16 * 1024
DEFAULT_LIMITS = StatusLimits(largest_bytes=LARGEST_ANSWER_BYTES)


def revocation_in_answer_from_untrusted(
    der: bytes,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    now: datetime,
    limits: StatusLimits = DEFAULT_LIMITS,
) -> Revoked | None:
    """What an answer says about the certificate; None when it is good.

    Raises:
        StatusUnknown: the answer is about another certificate, unauthentic, out of its time, or "unknown".
    """
    if len(der) > limits.largest_bytes:
        raise StatusUnknown(f"the OCSP answer has {len(der)} bytes, {limits.largest_bytes} are allowed")
    try:
        answer = ocsp.load_der_ocsp_response(der)
        _require_successful(answer)
        _require_about(answer, certificate, issuer)
        _require_signed(answer, issuer, now)
    except (ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound, InvalidSignature) as error:
        raise StatusUnknown("the OCSP answer cannot be read or is not signed as it must be") from error
    require_in_force("OCSP answer", answer.this_update_utc, answer.next_update_utc, now, limits)
    return _revocation(answer)


def _require_successful(answer: ocsp.OCSPResponse) -> None:
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise StatusUnknown(f"the responder answered {answer.response_status.name}")
    if any(extension.critical for extension in answer.extensions):
        raise StatusUnknown("the OCSP answer has a critical extension that is not known here")


def _require_about(
    answer: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> None:
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, answer.hash_algorithm).build()
    if (answer.serial_number, answer.issuer_name_hash, answer.issuer_key_hash) != (
        asked.serial_number,
        asked.issuer_name_hash,
        asked.issuer_key_hash,
    ):
        raise StatusUnknown("the OCSP answer is about another certificate")


def _require_signed(answer: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> None:
    """By the issuer, or by one responder that the issuer itself delegated (RFC 6960 section 4.2.2.2)."""
    signer = issuer
    if answer.certificates:
        signer = answer.certificates[0]
        _require_delegated(signer, issuer, now)
    _verify(signer, answer)


def _require_delegated(signer: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
    signer.verify_directly_issued_by(issuer)
    purposes = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.OCSP_SIGNING not in purposes or not is_valid_at(signer, now):
        raise StatusUnknown("the OCSP answer's signer is no responder of the issuer at this time")


def _verify(signer: x509.Certificate, answer: ocsp.OCSPResponse) -> None:
    key, algorithm = signer.public_key(), answer.signature_hash_algorithm
    if not isinstance(algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        raise StatusUnknown("the OCSP answer's signature algorithm is not accepted")
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(algorithm))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), algorithm)
    else:
        raise StatusUnknown("the OCSP answer's signer has a key of another kind")


def _revocation(answer: ocsp.OCSPResponse) -> Revoked | None:
    if answer.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise StatusUnknown("the responder does not know the certificate")
    if answer.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return None
    reason = answer.revocation_reason or x509.ReasonFlags.unspecified
    at = answer.revocation_time_utc
    assert at is not None  # a revoked certificate has a time (RFC 6960 section 4.2.1)
    return Revoked(reason.value, at)
