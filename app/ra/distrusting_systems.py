"""Revokes the certificates of accredited systems when the root has revoked the CA that made them.

slapd then trusts that CA no more. What is kept here besides: that no connection which is open goes on
reading, and that a system's page shows that it must have another certificate.
"""

from __future__ import annotations

from collections.abc import Callable

from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.revocation import RevocationReason
from app.ra.ports import Database
from app.ra.revoking import revoke_system_certificate

_WORKER = Actor.system("worker")
_AT_ONCE = 200


class DistrustingSystems:
    """Revokes systems' certificates; ``is_revoked`` answers whether the root has revoked their CA."""

    def __init__(self, database: Database, is_revoked: Callable[[], bool]) -> None:
        self._database = database
        self._is_revoked = is_revoked

    def sweep(self) -> int:
        """Revoke every certificate, when their CA is revoked; returns how many.

        Killed in between, the next sweep revokes what is left.
        """
        revoked = 0
        while self._is_revoked() and (some := self._revoke_some()):
            revoked += some
        return revoked

    def _revoke_some(self) -> int:
        with self._database.change() as work:
            serial_numbers = work.system_certificates.good_ones(work.now, _AT_ONCE)
            for serial_number in serial_numbers:
                details = {"serial_number": serial_number, "reason_given": "authority_revoked"}
                reason = RevocationReason.CESSATION_OF_OPERATION
                revoke_system_certificate(work, serial_number, _WORKER.uid, reason)
                event = AuditEvent.by(_WORKER, "system_certificate.revoked", serial_number, details)
                work.audit.record(event)
        return len(serial_numbers)
