"""Samples of the figures that say how the service is, one a minute, kept for some days."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Table

from app.storage.tables.base import UtcDateTime, metadata

sample = Table(
    "sample",
    metadata,
    Column("at", UtcDateTime, primary_key=True),
    # By figure and labels, e.g. directory_operations:Search.
    Column("figures", JSON, nullable=False),
    # The last audit event that its counts hold.
    Column("audit_seq", BigInteger, nullable=False),
)
