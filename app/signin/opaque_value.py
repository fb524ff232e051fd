"""Values that open something because nobody can guess them: made here, kept as their hash only."""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 33


def new_value() -> str:
    """264 random bits as 44 URL-safe characters."""
    return secrets.token_urlsafe(_BYTES)


def new_id() -> str:
    """128 random bits in hexadecimal, for names that open nothing."""
    return secrets.token_hex(16)


def hash_of(value: str) -> str:
    """SHA-256 in hexadecimal. The values are random and long, so no salt or slow hash is needed."""
    return hashlib.sha256(value.encode()).hexdigest()
