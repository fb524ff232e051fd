"""Passwords of accredited systems that cannot show a certificate: made here, kept as a hash alone.

A password has 240 random bits and is never chosen by a person, so it cannot be guessed: neither a slow hash
nor locking after wrong tries would add anything. Locking would let anybody who knows an ASID, which is
public, shut that system out.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from hashlib import sha512

_PASSWORD_BYTES = 30
_SALT_BYTES = 16


def new_password() -> str:
    """A password of 40 letters, digits, dashes and underscores."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def hashed(password: str) -> str:
    """The password as slapd's pw-sha2 checks it (slapd-pw-sha2(5)): salted SHA-512."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = sha512(password.encode() + salt).digest()
    return "{SSHA512}" + b64encode(digest + salt).decode()
