"""A position: a named set of access profiles at an organisation, approved once and then given to people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.errors import InvalidInput


class PositionStatus(StrEnum):
    """Whether people can still be given the position."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class AccessProfile:
    """What the holder of a position may do at one organisation.

    Attributes:
        job_role_code: national job role, e.g. ``R8000``.
        activity_codes: additional activities, e.g. ``("B0420",)``; those of the baseline are not repeated.
        workgroups: names or ids of workgroups.
        organisation_code: where; empty for the position's own organisation.
    """

    job_role_code: str
    activity_codes: tuple[str, ...] = ()
    workgroups: tuple[str, ...] = ()
    organisation_code: str = ""


@dataclass(frozen=True)
class Approval:
    """Who approved that this access exists at all, when, and where that is written down."""

    approved_by: str
    approved_on: date
    reference: str


@dataclass(frozen=True)
class NewPosition:
    """What an operator enters to create a position."""

    organisation_code: str
    name: str
    notes: str
    access_profiles: tuple[AccessProfile, ...]
    approval: Approval


@dataclass(frozen=True)
class Position:
    """A position as it is stored; every access profile names its organisation."""

    id: str
    organisation_code: str
    name: str
    notes: str
    access_profiles: tuple[AccessProfile, ...]
    approval: Approval
    status: PositionStatus
    created_by: str
    created_at: datetime


def require_complete(new: NewPosition, today: date) -> None:
    """Refuse a position without a name, access profiles or approval details.

    Raises:
        InvalidInput: with one problem a field.
    """
    problems = {}
    if not 0 < len(new.name.strip()) <= 100:
        problems["name"] = "Enter a name for the position, of at most 100 characters."
    if not new.access_profiles:
        problems["access_profiles"] = "Add at least one access profile: a job role and its activities."
    problems |= _approval_problems(new.approval, today)
    if problems:
        raise InvalidInput(problems)


def _approval_problems(approval: Approval, today: date) -> dict[str, str]:
    problems = {}
    if not approval.approved_by.strip():
        problems["approved_by"] = "Enter who approved this position."
    if not approval.reference.strip():
        problems["reference"] = "Enter where the approval is written down, e.g. the minutes' reference."
    if approval.approved_on > today:
        problems["approved_on"] = "Enter the day of the approval; it cannot be in the future."
    return problems
