"""The outbox in the database: what was announced, and how far its publishing has come.

A row says "make the target equal to the database now". Rows of one topic and key are published in their
order, each at least once; different keys do not wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.json_value import JsonValue
from app.storage.prepared import Prepared
from app.storage.tables.outbox import outbox

FIRST_DELAY = timedelta(milliseconds=250)
LONGEST_DELAY = timedelta(minutes=1)


@dataclass(frozen=True)
class OutboxRow:
    """One announcement. ``attempts`` counts the failed ones."""

    id: int
    topic: str
    key: str
    payload: Mapping[str, JsonValue]
    created_at: datetime
    attempts: int


@dataclass(frozen=True)
class OutboxProgress:
    """How far publishing is behind: rows waiting, since when, and how many of them failed at least once."""

    waiting: int
    oldest_created_at: datetime | None
    failing: int
    last_error: str | None


def _due() -> Select[*tuple[Any, ...]]:
    earlier = outbox.alias("earlier")
    is_first = ~exists().where(
        earlier.c.topic == outbox.c.topic,
        earlier.c.key == outbox.c.key,
        earlier.c.id < outbox.c.id,
        earlier.c.published_at.is_(None),
    )
    return (
        select(*(outbox.c[name] for name in OutboxRow.__dataclass_fields__))
        .where(outbox.c.published_at.is_(None), outbox.c.next_attempt_at <= bindparam("now"))
        .where(outbox.c.topic == bindparam("topic"), is_first)
        .order_by(outbox.c.id)
        .limit(bindparam("limit"))
    )


# Made once: an idle worker asks it ten times a second for each topic, and making it takes longer than asking.
_DUE = _due()
_ADD = Prepared(insert(outbox))
_PUBLISHED = update(outbox).where(outbox.c.id.in_(bindparam("ids", expanding=True)))


class Outbox:
    """The outbox as one transaction sees it."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, topic: str, key: str, payload: Mapping[str, JsonValue] | None = None) -> None:
        """Announce that what ``topic`` and ``key`` name has changed; published after the commit."""
        _ADD.change(self._connection, self._row(topic, key, payload or {}))

    def add_all(self, topic: str, keys: Collection[str]) -> None:
        """Announce many changes at once."""
        if rows := [self._row(topic, key, {}) for key in keys]:
            _ADD.change_each(self._connection, rows)

    def _row(self, topic: str, key: str, payload: Mapping[str, JsonValue]) -> dict[str, object]:
        now = self._now
        return {"topic": topic, "key": key, "payload": payload, "created_at": now, "next_attempt_at": now}

    def waiting(self, topic: str) -> int:
        """How many announcements of a topic are not published yet."""
        chosen = select(func.count()).where(outbox.c.topic == topic, outbox.c.published_at.is_(None))
        return self._connection.scalar(chosen) or 0

    def due(self, topics: Collection[str], limit: int = 100) -> list[OutboxRow]:
        """The rows that can be published now: of each topic and key the oldest only, so that order holds."""
        found = (row for topic in topics for row in self._due_of(topic, limit))
        return sorted(found, key=lambda row: row.id)[:limit]

    def _due_of(self, topic: str, limit: int) -> list[OutboxRow]:
        asked = {"topic": topic, "now": self._now, "limit": limit}
        return [OutboxRow(**row._mapping) for row in self._connection.execute(_DUE, asked)]

    def published(self, rows: Collection[OutboxRow]) -> None:
        """Note that the rows were published."""
        ids = [row.id for row in rows]
        self._connection.execute(_PUBLISHED, {"ids": ids, "published_at": self._now})

    def failed(self, row: OutboxRow, error: str, wait: timedelta | None = None) -> None:
        """Note that publishing failed; it is tried again after ``wait``, or each time after twice as long."""
        self._connection.execute(
            update(outbox)
            .where(outbox.c.id == row.id)
            .values(
                attempts=outbox.c.attempts + 1,
                next_attempt_at=self._now + (delay_after(row.attempts + 1) if wait is None else wait),
                last_error=error[:2000],
            )
        )

    def was_announced(self, topic: str, key: str, since: datetime) -> bool:
        """Whether an announcement of that key waits, or was carried at or after that instant."""
        late = outbox.c.published_at.is_(None) | (outbox.c.published_at >= since)
        chosen = select(outbox.c.id).where(outbox.c.topic == topic, outbox.c.key == key, late).limit(1)
        return self._connection.scalar(chosen) is not None

    def progress(self, prefix: str = "") -> OutboxProgress:
        """How far publishing is behind in the topics that begin with ``prefix``."""
        waiting = outbox.c.published_at.is_(None) & outbox.c.topic.startswith(prefix, autoescape=True)
        chosen = select(
            func.count().label("waiting"),
            func.min(outbox.c.created_at).label("oldest_created_at"),
            func.count().filter(outbox.c.attempts > 0).label("failing"),
        ).where(waiting)
        row = self._connection.execute(chosen).one()
        return OutboxProgress(row.waiting, row.oldest_created_at, row.failing, self._last_error(waiting))

    def _last_error(self, waiting: ColumnElement[bool]) -> str | None:
        failed = waiting & outbox.c.last_error.is_not(None)
        return self._connection.scalar(
            select(outbox.c.last_error).where(failed).order_by(outbox.c.id.desc()).limit(1)
        )

    def forget_published(self, before: datetime) -> int:
        """Remove the rows that were published before that instant; answers how many."""
        return self._connection.execute(delete(outbox).where(outbox.c.published_at < before)).rowcount


def delay_after(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts."""
    doublings = 1 << min(attempts - 1, 16)
    return min(FIRST_DELAY * doublings, LONGEST_DELAY)
