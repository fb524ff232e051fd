"""Computers that unlock cards without network, each with its key wrapped to the escrow key."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, LargeBinary, String, Table

from app.storage.tables.base import UtcDateTime, metadata

offline_workstation = Table(
    "offline_workstation",
    metadata,
    Column("id", String(10), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("registered_by", ForeignKey("person.uid"), nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("ticket_hash", String(64), unique=True),
    # RSA-OAEP to the escrow key of the CA's token; set once.
    Column("wrapped_key", LargeBinary),
    Column("retired_at", UtcDateTime),
    CheckConstraint("ticket_hash IS NULL OR wrapped_key IS NULL", name="invitation_is_used_once"),
)
