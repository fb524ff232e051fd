"""Reading the audit, which is itself audited."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
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


class PeopleNames(Protocol):
    """People, as far as they are named here."""

    def names(self, uids: Collection[str]) -> Mapping[str, str]:
        """Given and family name of each known id."""


class Work(Protocol):
    """One open transaction."""

    @property
    def audit(self) -> AuditReader: ...

    @property
    def people(self) -> PeopleNames: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def audited(
        self, actor: Actor, event: str, subject: str, **details: JsonValue
    ) -> AbstractContextManager[Work]:
        """One transaction with exactly one audit event, allowed or refused."""


@dataclass(frozen=True)
class EventsRead:
    """Events, newest first, and the names of the people who stand in them, by user id."""

    events: Sequence[RecordedEvent]
    names: Mapping[str, str]


class Auditing:
    """Shows the audit to those who may read it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, actor: Actor, subject: str | None, limit: int) -> EventsRead:
        """The newest events, those about or by ``subject`` if given.

        Raises:
            NotPermitted
        """
        with self._database.audited(actor, "audit.read", subject or "all") as work:
            actor.require(Permission.READ_AUDIT)
            events = work.audit.newest(subject, limit)
            uids = {uid for each in events for uid in (each.event.actor_uid, each.event.subject)}
            return EventsRead(events, work.people.names(uids))
