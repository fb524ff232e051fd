"""The audit in the database: events appended to the chain, one writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from app.domain import audit_chain
from app.domain.actor import Actor
from app.domain.audit_chain import Head, Seal
from app.domain.audit_event import AuditEvent, Outcome, RecordedEvent, require_complete, storable
from app.domain.json_value import JsonValue
from app.errors import Unavailable
from app.storage.prepared import Prepared
from app.storage.tables.audit import audit_event, audit_seal

# Any number that nothing else in the database locks. Held from the append to the commit.
_CHAIN_LOCK = text("SELECT pg_advisory_xact_lock(7205759403792793)")

_APPEND = Prepared(insert(audit_event), audit_event.c.keys())
_HEAD = Prepared(select(audit_event.c.seq, audit_event.c.hash).order_by(audit_event.c.seq.desc()).limit(1))
_AFTER = (
    select(audit_event)
    .where(audit_event.c.seq > bindparam("seq"))
    .order_by(audit_event.c.seq)
    .execution_options(yield_per=500)
)
_SEAL_FIELDS = tuple(Seal.__dataclass_fields__)
_ADD_SEAL = Prepared(insert(audit_seal), _SEAL_FIELDS)
_LAST_SEAL = select(audit_seal).order_by(audit_seal.c.seq.desc()).limit(1)


class AuditLog:
    """The audit as one transaction sees it. Events wait until its end, then join the chain all at once."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._waiting: list[AuditEvent] = []
        self._details: dict[str, JsonValue] = {}
        self._subject = ""
        self._actor: Actor | None = None

    def record(self, event: AuditEvent) -> None:
        """Add an event besides that of ``audited()``; it is written when the transaction ends well.

        Raises:
            UnknownAuditEvent: the event is not declared or lacks a detail.
        """
        require_complete(event)
        self._waiting.append(storable(event))

    def details(self, **more: JsonValue) -> None:
        """Add details, such as before and after, to the event of ``audited()``."""
        self._details |= more

    def about(self, subject: str) -> None:
        """Name the subject of the event of ``audited()`` once it is known, e.g. an id that was allocated."""
        self._subject = subject

    def done_by(self, actor: Actor) -> None:
        """Name who did the event of ``audited()``, once what they are known by was found."""
        self._actor = actor

    def completed(self, event: AuditEvent) -> AuditEvent:
        """The event of ``audited()`` with what was told so far of it; known after a rollback too."""
        subject, details = self._subject or event.subject, {**event.details, **self._details}
        if self._actor is None:
            return replace(event, subject=subject, details=details)
        return AuditEvent.by(self._actor, event.event, subject, details)

    def write(self) -> None:
        """Append what waits to the chain. Called at the end of the transaction, so that others wait briefly.

        Raises:
            Unavailable: the audit cannot be written, so nothing may happen.
        """
        if not self._waiting:
            return
        try:
            self._append_waiting()
        except DBAPIError as fault:
            raise audit_unavailable() from fault

    def _append_waiting(self) -> None:
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_CHAIN_LOCK)
        head, rows = self.head(), []
        for event in self._waiting:
            recorded = audit_chain.append(head, self._now, event)
            head = Head(recorded.seq, recorded.hash)
            rows.append(_row_of(recorded))
        _APPEND.change_each(self._connection, rows)
        self._waiting.clear()

    def head(self) -> Head:
        """The newest event of the chain."""
        row = _HEAD.first(self._connection)
        return Head(row.seq, row.hash) if row else Head.before_all()

    def events_after(self, seq: int) -> Iterator[RecordedEvent]:
        """The events after number ``seq`` in order of their numbers, read little by little."""
        for row in self._connection.execute(_AFTER, {"seq": seq}):
            yield _recorded(row)

    def newest(self, subject: str | None, limit: int) -> list[RecordedEvent]:
        """The newest events, those of one subject or actor if given."""
        chosen = select(audit_event).order_by(audit_event.c.seq.desc()).limit(limit)
        if subject is not None:
            chosen = chosen.where((audit_event.c.subject == subject) | (audit_event.c.actor_uid == subject))
        return [_recorded(row) for row in self._connection.execute(chosen)]

    def count(self) -> int:
        """How many events there are."""
        return self._connection.scalar(select(func.count()).select_from(audit_event)) or 0

    def add_seal(self, seal: Seal) -> None:
        """Keep a seal that the audit key has made."""
        _ADD_SEAL.change(self._connection, {name: getattr(seal, name) for name in _SEAL_FIELDS})

    def seals(self) -> list[Seal]:
        """All seals, oldest first."""
        return [
            _seal_of(row) for row in self._connection.execute(select(audit_seal).order_by(audit_seal.c.seq))
        ]

    def last_seal(self) -> Seal | None:
        """The newest seal."""
        row = self._connection.execute(_LAST_SEAL).one_or_none()
        return _seal_of(row) if row else None


_PLAIN_FIELDS = (
    "event",
    "subject",
    "actor_uid",
    "actor_role_profile",
    "actor_address",
    "request_id",
    "reason",
)


def audit_unavailable() -> Unavailable:
    """What is raised when the audit cannot be written."""
    return Unavailable(
        "audit", "The audit cannot be written, so nothing was changed. Try again in a few minutes."
    )


def _row_of(recorded: RecordedEvent) -> dict[str, object]:
    event = recorded.event
    return {
        **{name: getattr(event, name) for name in _PLAIN_FIELDS},
        "outcome": event.outcome.value,
        "details": event.details,
        "seq": recorded.seq,
        "at": recorded.at,
        "previous_hash": recorded.previous_hash,
        "hash": recorded.hash,
    }


def _recorded(row: Row[tuple[object, ...]]) -> RecordedEvent:
    fields = row._mapping
    event = AuditEvent(
        **{name: fields[name] for name in _PLAIN_FIELDS},
        outcome=Outcome(fields["outcome"]),
        details=fields["details"],
    )
    return RecordedEvent(fields["seq"], fields["at"], event, fields["previous_hash"], fields["hash"])


def _seal_of(row: Row[tuple[object, ...]]) -> Seal:
    return Seal(**{name: row._mapping[name] for name in _SEAL_FIELDS})
