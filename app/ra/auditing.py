"""Reading the audit, which is itself audited."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from app.domain.actor import Actor
from app.domain.audit_event import RecordedEvent
from app.domain.json_value import JsonValue
from app.domain.permission import Permission


class AuditReader(Protocol):
    """The audit, as far as it is read here."""

    def newest(self, subject: str | None, limit: int) -> Sequence[RecordedEvent]:
        """The newest events, those of one subject or actor if given."""

    def details(self, **more: JsonValue) -> None:
        """Add details to the event that is being recorded."""


class Work(Protocol):
    """One open transaction."""

    @property
    def audit(self) -> AuditReader: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def audited(
        self, actor: Actor, event: str, subject: str, **details: JsonValue
    ) -> AbstractContextManager[Work]:
        """One transaction with exactly one audit event, allowed or refused."""


class Auditing:
    """Shows the audit to those who may read it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, actor: Actor, subject: str | None, limit: int) -> Sequence[RecordedEvent]:
        """The newest events, those about or by ``subject`` if given.

        Raises:
            NotPermitted
        """
        with self._database.audited(actor, "audit.read", subject or "all") as work:
            actor.require(Permission.READ_AUDIT)
            return work.audit.newest(subject, limit)
