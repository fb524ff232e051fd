"""Counters."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, String, Table

from app.storage.tables.base import metadata

sequence = Table(
    "sequence",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("next_value", BigInteger, nullable=False),
    CheckConstraint("next_value > 1", name="next_value_after_first"),
)
