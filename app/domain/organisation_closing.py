"""An organisation that closes while people still have access there: a task for its registration authority."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from app.domain.role_profile import RoleProfile
from app.errors import Refusal


class ClosingStatus(StrEnum):
    """What became of access to the organisation."""

    OPEN = "open"
    ENDED = "ended"
    HANDED_ON = "handed_on"
    REOPENED = "reopened"


class ClosingAlreadyDecided(Refusal):
    """Somebody has decided it, or the organisation has opened again."""

    code: ClassVar[str] = "closing_already_decided"


@dataclass(frozen=True)
class Closing:
    """One organisation that closes.

    Attributes:
        closes_on: the last day on which it is open.
        not_before: until when the decision was postponed.
        successor_code: who its positions were handed on to.
    """

    id: str
    organisation_code: str
    closes_on: date
    raised_at: datetime
    status: ClosingStatus
    not_before: date | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str = ""
    successor_code: str | None = None

    def waits_on(self, today: date) -> bool:
        """Whether a person should decide it now."""
        return self.status is ClosingStatus.OPEN and (self.not_before is None or self.not_before <= today)


def must_end(profile: RoleProfile, closes_on: date) -> bool:
    """Whether the role profile would go on after the organisation's last day."""
    return profile.withdrawn_at is None and (profile.ends_on is None or profile.ends_on > closes_on)
