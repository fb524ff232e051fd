"""Whether a certificate is revoked, since when and why: what is asked, and how the answer is judged.

Sources: RFC 5280 section 5.3.1 (reasons) and section 6.3; the published rules of the national prescription
service for signatures: a compromised key makes every signature worthless, because nobody can tell when it was
made; any other reason, only the signatures that were made after the revocation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509

from app.validation.refusals import StatusUnknown

COMPROMISES = frozenset({"keyCompromise", "cACompromise", "aACompromise"})
"""Reasons that undo signatures of any time, by their names in RFC 5280 section 5.3.1."""


@dataclass(frozen=True)
class Revoked:
    """A certificate is revoked.

    Attributes:
        reason: by its name in RFC 5280 section 5.3.1; ``unspecified`` when none was given.
    """

    reason: str
    at: datetime

    def undoes_signature_of(self, signed_at: datetime) -> bool:
        """Whether a signature that says it was made then is no longer believed."""
        return self.reason in COMPROMISES or signed_at >= self.at


class StatusSource(Protocol):
    """Somebody who knows which certificates of an issuer are revoked."""

    def revocation(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Revoked | None:
        """The revocation; None when the source vouches that there is none.

        Raises:
            StatusUnknown: there is no answer that is complete, authentic and young enough.
        """


class FirstThatTells:
    """Asks one source, and another when that one cannot tell."""

    def __init__(self, first: StatusSource, then: StatusSource) -> None:
        self._first = first
        self._then = then

    def revocation(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Revoked | None:
        """The revocation, by the first that can tell. Raises the first one's StatusUnknown."""
        try:
            return self._first.revocation(certificate, issuer, now)
        except StatusUnknown as unknown:
            try:
                return self._then.revocation(certificate, issuer, now)
            except StatusUnknown:
                raise unknown from None
