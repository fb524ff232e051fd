"""One-time codes for unlocking, and authenticator apps. No code and no secret stands here in clear."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, text

from app.storage.tables.base import UtcDateTime, metadata

unlock_code = Table(
    "unlock_code",
    metadata,
    # SHA-256 of what the asking browser holds.
    Column("request_hash", String(64), primary_key=True),
    Column("uid", ForeignKey("person.uid"), nullable=False, index=True),
    Column("card_serial", ForeignKey("card.serial"), nullable=False),
    Column("channel", String(10), nullable=False),
    # HMAC-SHA-256 with the service's key.
    Column("mac", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("used_at", UtcDateTime),
    CheckConstraint("channel IN ('email', 'text')", name="channel_is_known"),
    CheckConstraint("tries BETWEEN 0 AND 3", name="few_tries"),
    # The newest code of a person is the only one that works.
    Index(
        "uq_unlock_code_open",
        "uid",
        unique=True,
        sqlite_where=text("used_at IS NULL"),
        postgresql_where=text("used_at IS NULL"),
    ),
)

authenticator = Table(
    "authenticator",
    metadata,
    Column("uid", ForeignKey("person.uid"), primary_key=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
    # Rises with every code that was accepted: none is accepted twice.
    Column("last_step", Integer, nullable=False, server_default=text("0")),
)
