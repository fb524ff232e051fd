"""How often something was tried lately, so that guessing is slowed on every server at once."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from app.storage.tables.base import UtcDateTime, metadata

rate_limit = Table(
    "rate_limit",
    metadata,
    Column("name", String(60), primary_key=True),
    # Whose tries are counted, e.g. an address; hashed when it is a secret.
    Column("key", String(200), primary_key=True),
    Column("window_ends_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
)
