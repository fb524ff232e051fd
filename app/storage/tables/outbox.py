"""The outbox: announcements written in the transaction of the change that they announce."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Date, Index, Integer, String, Table, Text, text

from app.storage.tables.base import UtcDateTime, metadata

_WAITING = text("published_at IS NULL")

outbox = Table(
    "outbox",
    metadata,
    # SQLite counts by itself only in a column of type INTEGER.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("topic", String(40), nullable=False),
    Column("key", String(200), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("last_error", Text),
    Index("ix_outbox_waiting", "topic", "key", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
    # When a key was announced, carried or not.
    Index("ix_outbox_key", "topic", "key", "published_at"),
    # The oldest waiting rows of a topic, however many are waiting.
    Index("ix_outbox_oldest", "topic", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
    sqlite_autoincrement=True,
)

sweep = Table(
    "sweep",
    metadata,
    # What the passing of days changes, e.g. roles that begin, and the day up to which that was announced.
    Column("name", String(40), primary_key=True),
    Column("through", Date, nullable=False),
)
