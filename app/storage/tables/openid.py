"""What the OpenID provider remembers: codes, tokens, used assertions, and who knows which session.

Codes, tokens and assertion ids are kept as SHA-256 in hexadecimal, never as values.
"""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, String, Table

from app.storage.tables.base import UtcDateTime, metadata

oidc_code = Table(
    "oidc_code",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("grant_id", String(32), nullable=False, unique=True),
    Column("session_id", ForeignKey("web_session.id"), nullable=False, index=True),
    # What the code stands for: app/oidc/grant.py.
    Column("grant", JSON, nullable=False),
    Column("redirect_uri", String(500), nullable=False),
    Column("code_challenge", String(43), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
)

oidc_token = Table(
    "oidc_token",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("kind", String(10), nullable=False),
    # All tokens that came from one code; revoked together.
    Column("grant_id", String(32), nullable=False, index=True),
    Column("session_id", ForeignKey("web_session.id"), nullable=False, index=True),
    Column("grant", JSON, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    # Refresh tokens work once.
    Column("used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    CheckConstraint("kind IN ('access', 'refresh')", name="kind_is_known"),
    CheckConstraint("kind = 'refresh' OR used_at IS NULL", name="only_refresh_tokens_are_used_up"),
)

oidc_assertion_jti = Table(
    "oidc_assertion_jti",
    metadata,
    # Of the client id and the assertion's jti.
    Column("jti_hash", String(64), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

oidc_session_client = Table(
    "oidc_session_client",
    metadata,
    Column("session_id", ForeignKey("web_session.id"), primary_key=True),
    Column("client_id", String(100), primary_key=True),
    # When the relying party confirmed that it ended its own session.
    Column("logged_out_at", UtcDateTime),
)
