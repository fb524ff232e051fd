"""One organisation as a file tells it: what that file knows of it, and what it leaves to other files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import date

from app.domain.organisation import Membership, Organisation

ALL_FIELDS = frozenset(each.name for each in fields(Organisation))


@dataclass(frozen=True)
class Succession:
    """That an organisation took over another's work on a day; ODS says so at either of the two, or at
    both.
    """

    predecessor_code: str
    successor_code: str
    happened_on: date


@dataclass(frozen=True)
class OrganisationRecord:
    """One organisation of a file.

    Attributes:
        known_fields: the fields of ``organisation`` of which the file speaks; others keep what they hold.
        memberships: everything it belongs and belonged to; None when the file does not say.
        successions: those in which it took part, as far as the file says.
    """

    organisation: Organisation
    known_fields: frozenset[str]
    memberships: tuple[Membership, ...] | None = None
    successions: tuple[Succession, ...] = ()

    def over(self, before: Organisation | None) -> Organisation:
        """The organisation as it will be: what the file knows, over what is known already."""
        if before is None:
            return self.organisation
        known = {name: getattr(self.organisation, name) for name in self.known_fields}
        return replace(before, **known)


def successor_of(successions: Collection[Succession]) -> str | None:
    """Who took over last; of several on one day, the first by code."""
    if not successions:
        return None
    latest = max(each.happened_on for each in successions)
    return min(each.successor_code for each in successions if each.happened_on == latest)
