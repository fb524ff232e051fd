"""That the root revokes a CA: the one reviewed file that says so, and the record of what was revoked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from app.ca.reviewed_file import because_from, line_from, witnesses_from
from app.domain.revocation import AUTHORITY_REASONS, RevocationReason
from app.domain.toml_table import TomlTable

_LONGEST_NAME = 60


@dataclass(frozen=True)
class AuthorityRevocation:
    """The end of an issuing CA.

    Attributes:
        name: of the CA, as in the ceremony file.
        revoked_at: from when nothing of it is to be believed; whole seconds, UTC.
        because: for the protocol and the audit, in people's words.
        witnesses: who reviewed the file and are present.
        digest: SHA-256 of the file, hexadecimal.
    """

    name: str
    reason: RevocationReason
    revoked_at: datetime
    because: str
    witnesses: tuple[str, ...]
    digest: str


class RevokedAuthorities(Protocol):
    """What the root revoked, for good."""

    def all(self) -> Sequence[AuthorityRevocation]:
        """Every one, those recorded first before the others."""

    def record(self, revocation: AuthorityRevocation, at: datetime) -> None:
        """Keep it; a second time changes nothing."""

    def certificates_in_force(self, name: str, now: datetime) -> int:
        """How many certificates of the CA are signed, not revoked and not expired."""


def authority_revocation_from_toml(content: bytes) -> AuthorityRevocation:
    """Read the reviewed file (``config/authority_revocation.example.toml``).

    Raises:
        InvalidInput: naming the key that is unknown, missing or impossible.
    """
    top = TomlTable.parse("revocation", content.decode("utf-8", errors="replace"))
    table = top.take_table("authority")
    top.require_empty()
    revocation = AuthorityRevocation(
        name=line_from(table, "name", _LONGEST_NAME),
        reason=_reason(table),
        revoked_at=_moment(table),
        because=because_from(table),
        witnesses=witnesses_from(table),
        digest=sha256(content).hexdigest(),
    )
    table.require_empty()
    return revocation


def _reason(table: TomlTable) -> RevocationReason:
    given = table.take("reason", str, "a reason")
    if given not in AUTHORITY_REASONS:
        raise table.problem("reason", f"must be one of {', '.join(sorted(AUTHORITY_REASONS))}")
    return RevocationReason(given)


def _moment(table: TomlTable) -> datetime:
    moment: datetime = table.take("revoked_at", datetime, "a moment such as 2026-11-26T12:00:00Z")
    if moment.utcoffset() is None:
        raise table.problem("revoked_at", "must say its time zone: write 2026-11-26T12:00:00Z for UTC")
    return moment.replace(microsecond=0)
