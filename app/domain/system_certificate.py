"""A client certificate of an accredited system, as the registration authority knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

RENEW_BEFORE = timedelta(days=60)
"""How long before its end a certificate is shown as due; both work until the old one ends."""


@dataclass(frozen=True)
class SystemCertificate:
    """A certificate that was issued.

    Attributes:
        serial_number: lower-case hexadecimal.
        request_id: None where it was made at the certificate authority's own machine.
        spki_sha256: SHA-256 of its SubjectPublicKeyInfo, hexadecimal.
        reason: why it was revoked, in the words of RFC 5280 section 5.3.1; None while it is good.
    """

    serial_number: str
    asid: str
    request_id: str | None
    spki_sha256: str
    not_before: datetime
    not_after: datetime
    der: bytes
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    reason: str | None = None

    def is_good_at(self, now: datetime) -> bool:
        """Whether it is neither revoked nor over."""
        return self.revoked_at is None and now <= self.not_after

    def is_due_at(self, now: datetime) -> bool:
        """Whether a new one should be made now, before this one ends."""
        return self.is_good_at(now) and self.not_after - now <= RENEW_BEFORE
