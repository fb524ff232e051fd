"""API keys: who asks. Only their digests are kept, so that whoever reads the file cannot use one.

A key is 256 random bits, so a plain SHA-256 cannot be guessed back; a slow hash is for passwords.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

from app.errors import Refusal

LONGEST_NAME = 60


class KeyRefused(Refusal):
    """No key was sent where one is needed, or one that is not known."""

    code: ClassVar[str] = "key_refused"


class KeyNameTaken(Refusal):
    """There is a key of this name."""

    code: ClassVar[str] = "key_name_taken"


@dataclass(frozen=True)
class ApiKeys:
    """The keys that are accepted: the name of each one's holder by the key's digest, in hexadecimal."""

    holders: Mapping[str, str]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> ApiKeys:
        """From the parsed file of keys.

        Raises:
            ValueError: an entry lacks its name or digest.
        """
        try:
            return cls({str(each["sha256"]).lower(): str(each["name"]) for each in table.get("key", ())})
        except (KeyError, TypeError) as fault:
            raise ValueError(f"every [[key]] has a name and a sha256: {fault}") from fault

    def holder_of(self, key_from_untrusted: str) -> str | None:
        """Who holds the key; None when nobody does."""
        return self.holders.get(digest_of(key_from_untrusted))


def new_key() -> str:
    """A key to give to somebody, once."""
    return secrets.token_urlsafe(32)


def digest_of(key: str) -> str:
    """What is kept of a key."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
