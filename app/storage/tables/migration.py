"""Migration from another directory: that it happens, what was taken over, and what could not be mapped."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text

from app.storage.tables.base import UtcDateTime, metadata

migration = Table(
    "migration",
    metadata,
    # One row, ever: one directory is migrated from.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("source", String(200), nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    # The number of the old directory's last change that was taken over.
    Column("followed_to", BigInteger),
    Column("cut_over_at", UtcDateTime),
    CheckConstraint("id = 1", name="happens_once"),
)

# What was taken over, so that nothing registered here is ever overwritten by the other directory, and what
# has not changed there costs nothing. The digest is of the record as it was there; empty when it was not
# taken over whole, so that the next import tries again.
migrated_record = Table(
    "migrated_record",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
)

migration_finding = Table(
    "migration_finding",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    # The file and line, or the old directory and the number of its change.
    Column("source", String(200), nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("dn", Text, nullable=False),
    # refused: the record was not taken over; reduced: it was, without what the reason says.
    Column("kind", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("kind IN ('refused', 'reduced')", name="kind_is_known"),
    Index("ix_migration_finding_reason", "kind", "dn"),
)
