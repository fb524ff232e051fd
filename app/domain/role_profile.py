"""A role profile: what one person may do at one organisation, from a day on and maybe to a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from app.errors import NotPermitted, Refusal


class CannotWithdrawOwnAccess(NotPermitted):
    """Somebody wanted to take their own access away as an operator."""

    code: ClassVar[str] = "cannot_withdraw_own_access"


class AccessAlreadyEnded(Refusal):
    """It gives no access any more."""

    code: ClassVar[str] = "access_already_ended"


@dataclass(frozen=True)
class RoleProfile:
    """One granted access profile of one person.

    Attributes:
        id: 12 digits; other systems know it as the role profile id.
        organisation_person_id: 12 digits; the person's place in the organisation.
        activity_codes: additional activities; the baseline's and the included ones are worked out from them.
        starts_on, ends_on: first and last day on which it counts; no last day when None.
        withdrawn_at: when it was taken away early.
    """

    id: str
    organisation_person_id: str
    uid: str
    organisation_code: str
    position_id: str
    job_role_code: str
    activity_codes: tuple[str, ...]
    workgroups: tuple[str, ...]
    starts_on: date
    ends_on: date | None
    withdrawn_at: datetime | None = None

    def counts_on(self, day: date) -> bool:
        """Whether it gives access on that day."""
        if self.withdrawn_at is not None or day < self.starts_on:
            return False
        return self.ends_on is None or day <= self.ends_on

    def is_over(self, today: date) -> bool:
        """Whether it gives no access any more, and never will."""
        return self.withdrawn_at is not None or (self.ends_on is not None and self.ends_on < today)


def require_may_withdraw(profile: RoleProfile, actor_uid: str, today: date) -> None:
    """Refuse what is about oneself, and what gives no access any more.

    Raises:
        CannotWithdrawOwnAccess, AccessAlreadyEnded
    """
    if profile.uid == actor_uid:
        raise CannotWithdrawOwnAccess("This access is your own. Ask another RA manager or agent.")
    if profile.is_over(today):
        raise AccessAlreadyEnded("This access has ended already.")


@dataclass(frozen=True)
class OrganisationPerson:
    """A person's place in an organisation: the parent of role profiles in the directory."""

    id: str
    uid: str
    organisation_code: str
    opened_on: date
    closed_on: date | None = None
