"""Asking our own OCSP service about one certificate (RFC 6960 appendix A.1), and checking what it answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from app.adapters.bounded_fetch import fetched
from app.validation.ocsp_answer import revocation_in_answer_from_untrusted
from app.validation.revocation_list import StatusLimits
from app.validation.status import Revoked

_REQUEST = "application/ocsp-request"


class AskedByOcsp:
    """Tells of revocations by OCSP.

    Args:
        address: of our own status service, never one from a certificate.
    """

    def __init__(
        self,
        address: str,
        limits: StatusLimits,
        within_seconds: float,
        fetch: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._address = address
        self._limits = limits
        self._within_seconds = within_seconds
        self._fetch = fetch or self._fetched

    def revocation(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Revoked | None:
        """What the responder says of the certificate. Raises StatusUnknown."""
        asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256()).build()
        answer = self._fetch(asked.public_bytes(Encoding.DER))
        return revocation_in_answer_from_untrusted(answer, certificate, issuer, now, self._limits)

    def _fetched(self, request: bytes) -> bytes:
        return fetched(
            self._address,
            largest_bytes=self._limits.largest_bytes,
            within_seconds=self._within_seconds,
            body=request,
            kind=_REQUEST,
        )
