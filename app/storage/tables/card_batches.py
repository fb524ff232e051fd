"""Batches of cards, and whom each is for."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from app.storage.tables.base import UtcDateTime, metadata

card_batch = Table(
    "card_batch",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("title", String(100), nullable=False),
    Column("operator_uid", ForeignKey("person.uid"), nullable=False, index=True),
    Column("operator_role_profile", String(12)),
    Column("usable_from", Date),
    # The lines of its list for which no card is made: number, text, name, reason.
    Column("left_out", JSON, nullable=False),
    # Each chooses their PIN at the desk; a card for a later day is issued locked.
    Column("holders_present", Boolean, nullable=False, server_default=false()),
    Column("begun_at", UtcDateTime, nullable=False),
    # Set when it is given up or every card is made.
    Column("finished_at", UtcDateTime),
    Column("steps", JSON, nullable=False),
    # SHA-256 in hexadecimal: the values themselves are known to the desk alone.
    Column("ticket_hash", String(64), unique=True),
    Column("ticket_expires_at", UtcDateTime),
    Column("job_token_hash", String(64), unique=True),
    Column("job_token_expires_at", UtcDateTime),
    CheckConstraint("usable_from IS NULL OR NOT holders_present", name="later_is_locked"),
)

card_batch_item = Table(
    "card_batch_item",
    metadata,
    Column("batch_id", ForeignKey("card_batch.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("uid", ForeignKey("person.uid"), nullable=False, index=True),
    Column("issuance_id", ForeignKey("card_issuance.id"), unique=True),
    Column("refused", Text, nullable=False),
    UniqueConstraint("batch_id", "uid"),
    CheckConstraint("position > 0", name="position_counts_from_one"),
)
