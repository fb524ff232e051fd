"""Browser sessions, the challenges of card sign-ins, and who accepted which terms.

Only hashes (SHA-256, hexadecimal) of what a browser holds are kept: whoever reads the database cannot
continue anybody's session.
"""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, String, Table, text

from app.storage.tables.base import UtcDateTime, metadata

web_session = Table(
    "web_session",
    metadata,
    # Known to relying parties as ``sid``; it opens nothing.
    Column("id", String(32), primary_key=True),
    # Of the value in the cookie; changes at each sign-in.
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("data", JSON, nullable=False),
    Column("uid", ForeignKey("person.uid")),
    Column("card_serial", String(40)),
    Column("role_profile_id", String(12)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False),
    Column("signed_in_at", UtcDateTime),
    Column("terms_accepted_at", UtcDateTime),
    Column("role_chosen_at", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("ended_at", UtcDateTime),
    Column("ended_reason", String(40)),
    CheckConstraint("(uid IS NULL) = (signed_in_at IS NULL)", name="signed_in_has_a_time"),
    CheckConstraint("(ended_at IS NULL) = (ended_reason IS NULL)", name="ended_has_a_reason"),
    CheckConstraint("role_profile_id IS NULL OR role_chosen_at IS NOT NULL", name="role_was_chosen"),
    Index(
        "ix_web_session_live_uid",
        "uid",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

sign_in_challenge = Table(
    "sign_in_challenge",
    metadata,
    # The hashes that the card signs; the nonce itself is known to the browser and the card agent alone.
    Column("nonce_sha256", String(64), primary_key=True),
    Column("nonce_sha384", String(96), nullable=False),
    # The hash of the key of the one browser session that may answer.
    Column("session_key_hash", String(64), nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
)

terms_acceptance = Table(
    "terms_acceptance",
    metadata,
    Column("uid", ForeignKey("person.uid"), primary_key=True),
    Column("version", String(20), primary_key=True),
    Column("accepted_at", UtcDateTime, nullable=False),
)

role_choice = Table(
    "role_choice",
    metadata,
    # The role profile used last, offered first next time.
    Column("uid", ForeignKey("person.uid"), primary_key=True),
    Column("role_profile_id", String(12), nullable=False),
    Column("chosen_at", UtcDateTime, nullable=False),
)
