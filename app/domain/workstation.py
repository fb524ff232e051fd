"""A computer that can unlock cards without network: it has a key in common with the certificate authority."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.offline_unlock import spoken

INVITATION_LASTS = timedelta(minutes=5)


@dataclass(frozen=True)
class Workstation:
    """A registered computer, or one that is invited to register and has no key yet.

    Attributes:
        id: ten hexadecimal digits; part of every challenge.
        wrapped_key: its key, wrapped to the escrow key in the certificate authority's token.
        ticket_hash: of the one-time invitation.
    """

    id: str
    name: str
    registered_by: str
    registered_at: datetime
    ticket_hash: str | None = None
    wrapped_key: bytes | None = None
    retired_at: datetime | None = None

    @property
    def number(self) -> str:
        """The id as people see it."""
        return spoken(bytes.fromhex(self.id))
