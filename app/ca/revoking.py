"""Revocation, and the CRLs that tell it.

The audit event is written first, then the revocation takes effect (OCSP tells it from that moment), then the
CRL is made anew. Each step may be repeated; a crash between two of them is healed by the repeated call.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from app.ca.audit_backlog import AuditBacklog
from app.ca.audit_ports import AuditRecord
from app.ca.contents import StatusAddresses
from app.ca.crl import KEPT_AFTER_EXPIRY, CrlPlan, build_crl
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.ports import CertificateLedger, CertificateRecord
from app.ca.refusals import CertificateUnknown, IssuingCaUnknown, ReasonNotTheirs, ReasonUnknown
from app.ca.status_values import PublishedCrl, Revocation
from app.ca.wanted import ACTOR
from app.clock import Clock
from app.domain.audit_event import AuditEvent
from app.domain.certificate_order import serial_number_text
from app.domain.certificate_profile import CertificateRules
from app.domain.revocation import REASONS_OF, Giver, RevocationReason

SMALL_CRL_BYTES = 100_000
"""Up to this size (about 2500 entries) a complete CRL is made at each revocation; larger ones when due."""


class Revoker:
    """Revokes certificates and publishes CRLs for the issuing CAs."""

    def __init__(
        self,
        issuers: Mapping[str, Issuer],
        rules: CertificateRules,
        ledger: CertificateLedger,
        audit: AuditRecord,
        backlog: AuditBacklog,
        linter: Linter,
        addresses: StatusAddresses,
        clock: Clock,
    ) -> None:
        self._issuers = issuers
        self._rules = rules
        self._ledger = ledger
        self._audit = audit
        self._backlog = backlog
        self._linter = linter
        self._addresses = addresses
        self._clock = clock
        self._publishing = threading.Lock()

    def revoke(
        self,
        serial_number: str,
        reason: str,
        revoked_at: datetime,
        giver: Giver = Giver.REGISTRATION_AUTHORITY,
    ) -> None:
        """Revoke for good and publish at once. A second time changes nothing.

        Args:
            serial_number: hexadecimal, in any case.
            reason: a reason of RFC 5280 section 5.3.1 by its name, such as ``keyCompromise``.
            revoked_at: from when the certificate is not to be believed; not in the future.

        Raises:
            CertificateUnknown, ReasonUnknown, ReasonNotTheirs, Unavailable
        """
        given = _reason(reason)
        if given not in REASONS_OF[giver]:
            raise ReasonNotTheirs(f"The reason {given} is not for the {giver} to give.")
        self._revoke(self._certificate(serial_number), given, revoked_at)

    def withdraw(self, order_id: str, reason: str, revoked_at: datetime) -> None:
        """Close an order that was undone: nothing is signed for it any more, and what was, is revoked.

        Raises:
            ReasonUnknown, ReasonNotTheirs, Unavailable
        """
        known_reason = _reason(reason)
        if known_reason not in REASONS_OF[Giver.REGISTRATION_AUTHORITY]:
            raise ReasonNotTheirs(f"The reason {known_reason} is not for the registration authority to give.")
        self._ledger.withdraw(order_id)
        for record in self._ledger.of_order(order_id):
            self._revoke(record, known_reason, revoked_at)

    def _revoke(self, record: CertificateRecord, reason: RevocationReason, revoked_at: datetime) -> None:
        at = min(revoked_at, self._clock()).replace(microsecond=0)
        revocation = Revocation(record.intended.serial_number, reason, at)
        if self._ledger.revocation(revocation.serial_number) is None:
            self._backlog.write_waiting()  # that it was issued is told before
            self._audit.happened([_revoked_event(record, revocation)])
            self._ledger.revoke(revocation)
        self._publish_if_missing(record.intended.issuing_ca, revocation.serial_number)

    def crl(self, issuing_ca: str) -> PublishedCrl:
        """The current complete CRL of an issuing CA; what is due is made anew.

        Raises:
            IssuingCaUnknown, LintFailed, Unavailable
        """
        self._renew(issuing_ca)
        return _there(self._ledger.latest_crl(issuing_ca))

    def delta_crl(self, issuing_ca: str) -> PublishedCrl:
        """The current delta CRL of an issuing CA; what is due is made anew.

        Raises:
            IssuingCaUnknown, LintFailed, Unavailable
        """
        self._renew(issuing_ca)
        return _there(self._ledger.latest_delta_crl(issuing_ca))

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
                self._publish_next(issuing_ca, complete=self._is_small(issuing_ca))

    def _renew(self, issuing_ca: str) -> None:
        """Make what is due by its age. A delta needs a complete CRL before it, so the first comes in twos."""
        if issuing_ca not in self._issuers:
            raise IssuingCaUnknown(f"There is no issuing CA {issuing_ca[:40]!r}.")
        with self._publishing:
            complete, delta = self._ledger.latest_crl(issuing_ca), self._ledger.latest_delta_crl(issuing_ca)
            if complete is None:
                self._publish_next(issuing_ca, complete=True)
            if self._is_due(complete, self._rules.crl_renewal):
                self._publish_next(issuing_ca, complete=True)
            elif self._is_due(delta, self._rules.delta_crl_validity / 2):
                self._publish_next(issuing_ca, complete=False)

    def _is_due(self, latest: PublishedCrl | None, age: timedelta) -> bool:
        return latest is None or self._clock() - latest.this_update >= age

    def _is_small(self, issuing_ca: str) -> bool:
        """Whether the complete CRL is so small that it is made at each revocation, with the delta."""
        latest = self._ledger.latest_crl(issuing_ca)
        return latest is None or len(latest.der) < SMALL_CRL_BYTES

    def _publish_next(self, issuing_ca: str, *, complete: bool) -> None:
        now = self._clock()

        def build(number: int, revocations: Sequence[Revocation], base: int | None) -> PublishedCrl:
            self._audit.happened([_published_event(issuing_ca, number, len(revocations), base)])
            plan = self._plan(issuing_ca, number, now, base)
            return build_crl(plan, self._issuers[issuing_ca], revocations, self._linter)

        expired_before = now - KEPT_AFTER_EXPIRY
        self._ledger.publish_crls(issuing_ca, expired_before, now, build, complete=complete, delta=True)

    def _plan(self, issuing_ca: str, number: int, now: datetime, base: int | None) -> CrlPlan:
        validity = self._rules.crl_validity if base is None else self._rules.delta_crl_validity
        return CrlPlan(issuing_ca, number, now, validity, base, self._addresses.delta_crl(issuing_ca))


def _there(made: PublishedCrl | None) -> PublishedCrl:
    assert made is not None, "renewing made what was not there"
    return made


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


def _published_event(issuing_ca: str, number: int, revoked: int, base: int | None) -> AuditEvent:
    name = "crl" if base is None else "delta-crl"
    details = {"revoked": revoked} | ({} if base is None else {"base": base})
    return AuditEvent.by(ACTOR, "crl.published", f"{issuing_ca}.{name}/{number}", details)
