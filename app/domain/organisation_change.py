"""What a load would do to one organisation: the kind of change, and field by field before and after."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from app.domain.organisation import Membership, Organisation, OrganisationStatus


class Change(StrEnum):
    """The kinds of change; what a full file does not have is only told, never changed."""

    NEW = "new"
    CHANGED = "changed"
    CLOSED = "closed"
    REOPENED = "reopened"
    MISSING = "missing"


APPLIED = (Change.NEW, Change.CHANGED, Change.CLOSED, Change.REOPENED)


@dataclass(frozen=True)
class FieldChange:
    """One field as it is and as it would be, both as text for people; empty for nothing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class OrganisationChange:
    """What would happen to one organisation.

    Attributes:
        before: None when it is new.
        after: None when the full file does not have it.
        memberships: all that it is a member of afterwards; None when they stay as they are.
    """

    code: str
    change: Change
    before: Organisation | None
    after: Organisation | None
    memberships: tuple[Membership, ...] | None = None

    @property
    def organisation(self) -> Organisation:
        """The organisation as it would be, or as it is when the file does not have it."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def closes(self) -> bool:
        """Whether access to it must end that did not have to end before: it is closed, or has a last day
        now.
        """
        return _is_ending(self.after) and not _is_ending(self.before)

    def fields(self) -> list[FieldChange]:
        """The fields that change; all that say something, when it is new."""
        if self.after is None:
            return []
        found = [
            FieldChange(each.name, _shown(self.before, each.name), _shown(self.after, each.name))
            for each in fields(Organisation)
            if each.name != "code"
        ]
        return [each for each in found if each.before != each.after]


def change_of(before: Organisation | None, after: Organisation, memberships_change: bool) -> Change | None:
    """The kind of change; None when there is none."""
    if before is None:
        return Change.NEW
    was_closed, is_closed = (each.status is OrganisationStatus.CLOSED for each in (before, after))
    if is_closed and not was_closed:
        return Change.CLOSED
    if was_closed and not is_closed:
        return Change.REOPENED
    return Change.CHANGED if before != after or memberships_change else None


def _is_ending(organisation: Organisation | None) -> bool:
    if organisation is None:
        return False
    return organisation.status is OrganisationStatus.CLOSED or organisation.closed_on is not None


def _shown(organisation: Organisation | None, name: str) -> str:
    value = getattr(organisation, name, None)
    if isinstance(value, tuple):
        return ", ".join(each for each in value if each)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value or "")
