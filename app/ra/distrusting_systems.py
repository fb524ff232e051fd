"""Revokes the certificates of accredited systems when the root has revoked the CA that made them.

slapd then trusts that CA no more. What is kept here besides: that no connection which is open goes on
reading, and that a system's page shows that it must have another certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509

from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.revocation import RevocationReason
from app.ra.ports import Database
from app.ra.revoking import revoke_system_certificate

_WORKER = Actor.system("worker")
_AT_ONCE = 200


class DistrustingSystems:
    """Revokes systems' certificates.

    Args:
        revoked_issuers: answers the subjects (DER) of those of their CAs that the root has revoked.
    """

    def __init__(self, database: Database, revoked_issuers: Callable[[], frozenset[bytes]]) -> None:
        self._database = database
        self._revoked_issuers = revoked_issuers

    def sweep(self) -> int:
        """Revoke every certificate of a CA that is revoked; returns how many.

        Killed in between, the next sweep revokes what is left.
        """
        revoked, issuers, some = 0, self._revoked_issuers(), _Some("", 0)
        while issuers and (some := self._revoke_some(issuers, some.last)).last:
            revoked += some.revoked
        return revoked

    def _revoke_some(self, issuers: frozenset[bytes], after: str) -> _Some:
        with self._database.change() as work:
            good = work.system_certificates.good_ones(work.now, after, _AT_ONCE)
            distrusted = [each.serial_number for each in good if _issuer(each.der) in issuers]
            for serial_number in distrusted:
                details = {"serial_number": serial_number, "reason_given": "authority_revoked"}
                reason = RevocationReason.CESSATION_OF_OPERATION
                revoke_system_certificate(work, serial_number, _WORKER.uid, reason)
                event = AuditEvent.by(_WORKER, "system_certificate.revoked", serial_number, details)
                work.audit.record(event)
        return _Some(good[-1].serial_number if good else "", len(distrusted))


@dataclass(frozen=True)
class _Some:
    """Of some certificates: the last by serial number, empty for none, and how many were revoked."""

    last: str
    revoked: int


def _issuer(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).issuer.public_bytes()
