"""What a code or token stands for: who, for whom, in which session and role, with which scopes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from app.domain.json_value import JsonValue


@dataclass(frozen=True)
class Grant:
    """One person's consent of one session to one relying party.

    Attributes:
        role_profile_id: the role chosen when the code was given; None without role.
        auth_time: when the card answered, seconds since 1970.
        claim_names: single claims asked for by the claims parameter, for userinfo.
    """

    client_id: str
    uid: str
    session_id: str
    role_profile_id: str | None
    scopes: tuple[str, ...]
    auth_time: int
    acr: str
    nonce: str | None = None
    claim_names: tuple[str, ...] = ()

    def as_json(self) -> dict[str, JsonValue]:
        """For the database."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Grant:
        """As it was stored."""
        lists = {name: tuple(stored[name]) for name in ("scopes", "claim_names")}
        return cls(**{**stored, **lists})


@dataclass(frozen=True)
class StoredCode:
    """A code's row. ``is_first_use`` is true for exactly one of those who present the code."""

    grant_id: str
    grant: Grant
    redirect_uri: str
    code_challenge: str
    expires_at: datetime
    is_first_use: bool


@dataclass(frozen=True)
class StoredToken:
    """A token's row. ``is_first_use`` is only meant for refresh tokens, which work once."""

    kind: str
    grant_id: str
    grant: Grant
    issued_at: datetime
    expires_at: datetime
    is_first_use: bool = True
