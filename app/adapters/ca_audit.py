"""The certificate authority's events in the audit of the whole service, and the audit read to be sealed."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, bindparam, select

from app.domain.audit_chain import ChainBroken, Head, Seal, follow, instant_text
from app.domain.audit_event import AuditEvent, Outcome, RecordedEvent
from app.domain.json_value import JsonValue
from app.storage.database import Database
from app.storage.prepared import Prepared
from app.storage.tables.audit import audit_event, audit_seal

# More than the longest two lines of the seals file.
_TAIL = 4096

_WRITTEN = Prepared(
    select(audit_event.c.details).where(
        audit_event.c.subject == bindparam("subject"),
        audit_event.c.event == bindparam("event"),
        audit_event.c.outcome == Outcome.ALLOWED.value,
    )
)
_KNOWN_SEAL = Prepared(select(audit_seal.c.seq).where(audit_seal.c.seq == bindparam("seq")))


class StoredAudit:
    """Events in the main database (``app.ca.audit_ports.AuditRecord``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def happened(self, events: Sequence[AuditEvent], may_be_written: bool = True) -> None:
        """Write those events that are not written yet, all or none; see the port."""
        with self._database.change() as work:
            written = _written(work.connection, events) if may_be_written else {}
            for event in events:
                if dict(event.details) not in written.get((event.event, event.subject), ()):
                    work.audit.record(event)

    def refused(self, event: AuditEvent) -> None:
        """Write that something was refused."""
        with self._database.change() as work:
            work.audit.record(event)


class StoredAuditChain:
    """The chain in the main database (``app.ca.ports.AuditChain``).

    Args:
        seals_file: where seals are kept beside the database, one JSON object a line, for verifiers who do
            not trust the database.
    """

    def __init__(self, database: Database, seals_file: Path) -> None:
        self._database = database
        self._seals_file = seals_file

    def verified_head(self, after: Head) -> Head:
        """Follow the chain from ``after``, that event included, to its end. Raises ChainBroken."""
        with self._database.read() as work:
            newest = work.audit.head()
            events = work.audit.events_after(max(after.seq - 1, 0))
            if after.seq:
                _require_unchanged(after, next(events, None))
            head = follow(after, events)
        if head != newest:
            raise ChainBroken(head.seq + 1, "The audit record grew in the middle while it was read.")
        return head

    def keep(self, seal: Seal) -> None:
        """Put the seal into the database and the file, unless it is there."""
        with self._database.change() as work:
            if not _KNOWN_SEAL.rows(work.connection, {"seq": seal.seq}):
                work.audit.add_seal(seal)
        _append_once(self._seals_file, seal)


def _written(
    connection: Connection, events: Sequence[AuditEvent]
) -> dict[tuple[str, str], list[dict[str, JsonValue]]]:
    """Details of what is written already, by name and subject of these events."""
    return {
        (event, subject): [
            row.details for row in _WRITTEN.rows(connection, {"event": event, "subject": subject})
        ]
        for event, subject in {(each.event, each.subject) for each in events}
    }


def _require_unchanged(sealed: Head, event: RecordedEvent | None) -> None:
    """The event that was sealed last is still there, as it was."""
    if event is None or (event.seq, event.hash) != (sealed.seq, sealed.hash):
        raise ChainBroken(sealed.seq, f"The sealed event {sealed.seq} was removed or replaced.")
    follow(Head(event.seq - 1, event.previous_hash), [event])


def _append_once(path: Path, seal: Seal) -> None:
    """Append the seal unless it is the last one; a last line that a crash cut short is removed."""
    line = _line(seal)
    path.touch(mode=0o644)
    with path.open("r+b") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        lines = file.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            file.seek(-len(lines.pop()), os.SEEK_END)
            file.truncate()
        if not lines or lines[-1] != line:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _line(seal: Seal) -> bytes:
    fields = {
        "seq": seal.seq,
        "hash": seal.hash,
        "sealed_at": instant_text(seal.sealed_at),
        "key_id": seal.key_id,
        "signature": b64encode(seal.signature).decode(),
    }
    return json.dumps(fields, sort_keys=True).encode() + b"\n"
