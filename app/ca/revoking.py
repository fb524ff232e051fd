"""Revocation, and the CRLs that tell it.

The audit event is written first, then the revocation takes effect (OCSP tells it from that moment), then the
CRL is made anew. Each step may be repeated; a crash between two of them is healed by the repeated call.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from app.ca.authority import ACTOR
from app.ca.crl import KEPT_AFTER_EXPIRY, build_crl
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.ports import AuditRecord, CertificateLedger, CertificateRecord, PublishedCrl, Revocation
from app.ca.refusals import CertificateUnknown, IssuingCaUnknown, ReasonUnknown
from app.clock import Clock
from app.domain.audit_event import AuditEvent
from app.domain.certificate_order import serial_number_text
from app.domain.certificate_profile import CertificateRules
from app.domain.revocation import RevocationReason


class Revoker:
    """Revokes certificates and publishes CRLs for the issuing CAs."""

    def __init__(
        self,
        issuers: Mapping[str, Issuer],
        rules: CertificateRules,
        ledger: CertificateLedger,
        audit: AuditRecord,
        linter: Linter,
        clock: Clock,
    ) -> None:
        self._issuers = issuers
        self._rules = rules
        self._ledger = ledger
        self._audit = audit
        self._linter = linter
        self._clock = clock
        self._publishing = threading.Lock()

    def revoke(self, serial_number: str, reason: str, revoked_at: datetime) -> None:
        """Revoke for good and publish at once. A second time changes nothing.

        Args:
            serial_number: hexadecimal, in any case.
            reason: a reason of RFC 5280 section 5.3.1 by its name, such as ``keyCompromise``.
            revoked_at: from when the certificate is not to be believed; not in the future.

        Raises:
            CertificateUnknown, ReasonUnknown, Unavailable
        """
        self._revoke(self._certificate(serial_number), _reason(reason), revoked_at)

    def withdraw(self, order_id: str, reason: str, revoked_at: datetime) -> None:
        """Close an order that was undone: nothing is signed for it any more, and what was, is revoked.

        Raises:
            ReasonUnknown, Unavailable
        """
        known_reason = _reason(reason)
        self._ledger.withdraw(order_id)
        for record in self._ledger.of_order(order_id):
            self._revoke(record, known_reason, revoked_at)

    def _revoke(self, record: CertificateRecord, reason: RevocationReason, revoked_at: datetime) -> None:
        at = min(revoked_at, self._clock()).replace(microsecond=0)
        revocation = Revocation(record.intended.serial_number, reason, at)
        if self._ledger.revocation(revocation.serial_number) is None:
            self._audit.happened([_revoked_event(record, revocation)])
            self._ledger.revoke(revocation)
        self._publish_if_missing(record.intended.issuing_ca, revocation.serial_number)

    def crl(self, issuing_ca: str) -> PublishedCrl:
        """The current CRL of an issuing CA; made anew when it is due.

        Raises:
            IssuingCaUnknown, LintFailed, Unavailable
        """
        if issuing_ca not in self._issuers:
            raise IssuingCaUnknown(f"There is no issuing CA {issuing_ca[:40]!r}.")
        latest = self._ledger.latest_crl(issuing_ca)
        if latest is None or self._clock() - latest.this_update >= self._rules.crl_renewal:
            return self._publish_after(issuing_ca, latest.number if latest else 0)
        return latest

    def _certificate(self, serial_number: str) -> CertificateRecord:
        try:
            record = self._ledger.find(serial_number_text(int(serial_number, 16)))
        except ValueError:
            record = None
        if record is None:
            raise CertificateUnknown("No certificate with this serial number was issued here.")
        return record

    def _publish_if_missing(self, issuing_ca: str, serial_number: str) -> None:
        """Publish, unless the revocation was told by a CRL already (another thread's, or before a crash)."""
        with self._publishing:
            if not self._ledger.is_published(serial_number):
                self._publish_next(issuing_ca)

    def _publish_after(self, issuing_ca: str, number: int) -> PublishedCrl:
        """The CRL that follows ``number``: another thread's when it was first, else a new one."""
        with self._publishing:
            latest = self._ledger.latest_crl(issuing_ca)
            if latest is not None and latest.number > number:
                return latest
            return self._publish_next(issuing_ca)

    def _publish_next(self, issuing_ca: str) -> PublishedCrl:
        now = self._clock()

        def build(number: int, revocations: Sequence[Revocation]) -> PublishedCrl:
            self._audit.happened([_published_event(issuing_ca, number, len(revocations))])
            issuer = self._issuers[issuing_ca]
            return build_crl(
                issuing_ca, issuer, number, revocations, now, self._rules.crl_validity, self._linter
            )

        return self._ledger.publish_crl(issuing_ca, now - KEPT_AFTER_EXPIRY, build)


def _reason(name: str) -> RevocationReason:
    try:
        return RevocationReason(name)
    except ValueError:
        known = ", ".join(RevocationReason)
        raise ReasonUnknown(f"The revocation reason must be one of: {known}.") from None


def _revoked_event(record: CertificateRecord, revocation: Revocation) -> AuditEvent:
    details = {
        "serial_number": revocation.serial_number,
        "purpose": record.intended.purpose.value,
        "card": record.intended.card_serial,
        "reason": revocation.reason.value,
    }
    return AuditEvent.by(ACTOR, "certificate.revoked", record.intended.holder, details)


def _published_event(issuing_ca: str, number: int, revoked: int) -> AuditEvent:
    return AuditEvent.by(ACTOR, "crl.published", f"{issuing_ca}.crl/{number}", {"revoked": revoked})
