"""What a granted position makes: a role profile for each of its access profiles, at its organisation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.domain.position import AccessProfile, Position
from app.domain.role_profile import OrganisationPerson, RoleProfile
from app.ra.ids import new_id
from app.ra.ports import Work


@dataclass(frozen=True)
class Grant:
    """A position for a person, from a day on and maybe to a day."""

    uid: str
    position: Position
    starts_on: date
    ends_on: date | None


def role_profiles_of(work: Work, grant: Grant) -> list[RoleProfile]:
    """The new role profiles, not yet kept; the person's places in the organisations are made when missing."""
    return [_role_profile(work, grant, profile) for profile in grant.position.access_profiles]


def _role_profile(work: Work, grant: Grant, profile: AccessProfile) -> RoleProfile:
    place = _place(work, grant, profile.organisation_code)
    return RoleProfile(
        id=new_id(work),
        organisation_person_id=place.id,
        uid=grant.uid,
        organisation_code=profile.organisation_code,
        position_id=grant.position.id,
        job_role_code=profile.job_role_code,
        activity_codes=profile.activity_codes,
        workgroups=profile.workgroups,
        starts_on=grant.starts_on,
        ends_on=grant.ends_on,
    )


def _place(work: Work, grant: Grant, organisation_code: str) -> OrganisationPerson:
    known = work.role_profiles.organisation_person(grant.uid, organisation_code)
    if known is not None:
        return known
    place = OrganisationPerson(new_id(work), grant.uid, organisation_code, grant.starts_on)
    work.role_profiles.add_organisation_person(place)
    return place
