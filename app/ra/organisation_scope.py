"""Whose organisations an actor acts for: their own and those under it; the root RA organisation, for all.

A registration authority hosts organisations that have none; the hierarchy is that of the organisation
memberships. One organisation may be named as the root, as the national RA is.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.actor import Actor
from app.errors import NotPermitted
from app.ra.ports import Work


class OutsideOrganisation(NotPermitted):
    """The organisation is neither the actor's nor under it."""

    code = "outside_organisation"


@dataclass(frozen=True)
class OrganisationScope:
    """The rule, with the code of the root RA organisation (empty for none)."""

    root_organisation: str = ""

    def covers(self, work: Work, actor: Actor, organisation_code: str) -> bool:
        """Whether the actor, in the chosen role profile, may act at the organisation."""
        own = actor.organisation_code
        if not own:
            return False
        if own in (organisation_code, self.root_organisation):
            return True
        return work.organisations.is_under(organisation_code, own, work.now.date())

    def require(self, work: Work, actor: Actor, organisation_code: str) -> None:
        """Refuse when the organisation is outside.

        Raises:
            OutsideOrganisation
        """
        if not self.covers(work, actor, organisation_code):
            raise OutsideOrganisation(
                f"{organisation_code} is not your organisation and not under it. Choose a role at the right"
                " organisation, or ask its Registration Authority."
            )
