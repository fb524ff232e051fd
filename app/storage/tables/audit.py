"""The audit: events in a hash chain, and the seals on its heads. Rows are added and never change.

The hashes and the signed seals are what proves it (``app.domain.audit_chain``); the triggers only keep honest
programs from mistakes.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, LargeBinary, String, Table

from app.storage.tables.append_only import keep_append_only
from app.storage.tables.base import UtcDateTime, metadata

audit_event = Table(
    "audit_event",
    metadata,
    # Counted by us and not by the database: a rolled back transaction must not leave a gap.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("event", String(60), nullable=False, index=True),
    Column("outcome", String(10), nullable=False),
    Column("reason", String(60), nullable=False),
    Column("actor_uid", String(40), nullable=False, index=True),
    Column("actor_role_profile", String(12)),
    Column("actor_address", String(45), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("details", JSON, nullable=False),
    # Unique: two events can never follow the same one.
    Column("previous_hash", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
    CheckConstraint("seq > 0", name="seq_is_positive"),
    CheckConstraint("outcome IN ('allowed', 'refused')", name="outcome_is_known"),
    CheckConstraint("(outcome = 'refused') = (reason <> '')", name="refusal_has_a_reason"),
)

audit_seal = Table(
    "audit_seal",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("sealed_at", UtcDateTime, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

keep_append_only(audit_event)
keep_append_only(audit_seal)
