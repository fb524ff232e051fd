"""What verifying signatures needs from outside."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from app.domain.audit_event import AuditEvent
from app.domain.certificate import CardCertificate


class Register(Protocol):
    """The certificates of cards."""

    def get(self, serial_number: str) -> CardCertificate | None:
        """The certificate with this serial number (lower-case hexadecimal)."""


class AuditTrail(Protocol):
    """The audit of one transaction."""

    def record(self, event: AuditEvent) -> None:
        """Add an event; it is written when the transaction ends well."""


class Work(Protocol):
    """One open transaction."""

    @property
    def now(self) -> datetime: ...

    @property
    def certificates(self) -> Register: ...

    @property
    def audit(self) -> AuditTrail: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[Work]:
        """A snapshot."""

    def change(self) -> AbstractContextManager[Work]:
        """One transaction that commits or rolls back."""
