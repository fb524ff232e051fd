"""What came of comparing the directory with the database: one row, of the round that ended last."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, Table

from app.storage.tables.base import UtcDateTime, metadata

comparison = Table(
    "comparison",
    metadata,
    Column("ended_at", UtcDateTime, primary_key=True),
    Column("compared", Integer, nullable=False),
    Column("mended", Integer, nullable=False),
    Column("strangers", Integer, nullable=False),
    Column("named", JSON, nullable=False),
)
