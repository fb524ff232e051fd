"""What relying parties are told about a person: the ``nhsid_*`` claims of CIS2, and resolved activities.

Only what the scopes, or the claims parameter within them, ask for. Codes and names are lists in the same
order. ``activity_codes`` has additional activities only, as in CIS2; ``spine_resolved_activities`` spares the
relying party the derivation: it has everything the role lets its holder do, with names in the same order in
``spine_resolved_activity_names``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from app.oidc.assurance import ASSURANCE_LEVEL
from app.oidc.grant import Grant
from app.signin.staff import StaffMember, StaffRole

Claims = dict[str, Any]

_NAMES = (
    *("nhsid_useruid", "uid", "name", "display_name", "title", "given_name", "middle_names", "family_name"),
    *("initials", "idassurancelevel"),
)
#: Claims that may be asked for one by one, by the scopes that carry them.
_SINGLE_CLAIMS_OF_SCOPE = {"profile": _NAMES, "nhsperson": _NAMES, "email": ("email",)}

#: What there is to know about a person besides ``sub``, for the discovery document.
PERSONAL_CLAIMS = (
    *_NAMES,
    *("email", "nhsid_nrbac_roles", "nhsid_user_orgs", "nhsid_org_memberships"),
    *("gmc_id", "gmp_id", "gdc_id", "gdp_id", "nmc_id", "rcn_id", "gphc_id", "consultant_id"),
)


def single_claims_within(scopes: Collection[str]) -> frozenset[str]:
    """What a relying party that is registered for these scopes may ask for one by one."""
    return frozenset(name for scope in scopes for name in _SINGLE_CLAIMS_OF_SCOPE.get(scope, ()))


def userinfo_claims(member: StaffMember, grant: Grant) -> Claims:
    """The claims of the userinfo endpoint; always has ``sub``."""
    claims: Claims = {"sub": member.uid}
    for scope in grant.scopes:
        claims |= _CLAIMS_OF_SCOPE.get(scope, _nothing)(member, grant)
    return claims | _single_claims(member, grant)


def _single_claims(member: StaffMember, grant: Grant) -> Claims:
    """Claims asked for one by one (OpenID Connect Core section 5.5)."""
    known = _personal(member, grant) | _email(member, grant)
    return {name: known[name] for name in grant.claim_names if name in known}


def _nothing(member: StaffMember, grant: Grant) -> Claims:
    return {}


def _personal(member: StaffMember, grant: Grant) -> Claims:
    return {
        "nhsid_useruid": member.uid,
        "uid": member.uid,
        "name": member.name,
        "display_name": " ".join(filter(None, (member.title, member.name))),
        "title": member.title,
        "given_name": member.given_name,
        "middle_names": member.middle_names,
        "family_name": member.family_name,
        "initials": "".join(name[:1] for name in member.middle_names.split()),
        "idassurancelevel": ASSURANCE_LEVEL,
    }


def _email(member: StaffMember, grant: Grant) -> Claims:
    return {"email": member.email}


def _roles(member: StaffMember, grant: Grant) -> Claims:
    return {"nhsid_nrbac_roles": [role_claims(role) for role in member.roles]}


def role_claims(role: StaffRole) -> Claims:
    """One role profile as CIS2 tells it, and its resolved activities."""
    return {
        "person_orgid": role.organisation_person_id,
        "person_roleid": role.role_profile_id,
        "org_code": role.organisation.code,
        "org_name": role.organisation.name,
        "role_name": role.job_role.name,
        "role_code": role.job_role.code,
        "activities": [activity.name for activity in role.activities],
        "activity_codes": [activity.code for activity in role.activities],
        "workgroups_codes": list(role.workgroups),
        "spine_resolved_activities": [activity.code for activity in role.resolved_activities],
        "spine_resolved_activity_names": [activity.name for activity in role.resolved_activities],
    }


def _organisations(member: StaffMember, grant: Grant) -> Claims:
    named = {role.organisation.code: role.organisation.name for role in member.roles}
    return {"nhsid_user_orgs": [{"org_code": code, "org_name": name} for code, name in named.items()]}


def _organisation_memberships(member: StaffMember, grant: Grant) -> Claims:
    places = {
        role.organisation_person_id: {
            "person_orgid": role.organisation_person_id,
            "org_code": role.organisation.code,
            "org_name": role.organisation.name,
        }
        for role in member.roles
    }
    return {"nhsid_org_memberships": list(places.values())}


def _professional_memberships(member: StaffMember, grant: Grant) -> Claims:
    return {f"{body.lower().replace(' ', '_')}_id": number for body, number in member.registrations.items()}


def _selected_role(member: StaffMember, grant: Grant) -> Claims:
    return {"selected_roleid": grant.role_profile_id} if member.role(grant.role_profile_id) else {}


_CLAIMS_OF_SCOPE: Mapping[str, Callable[[StaffMember, Grant], Claims]] = {
    "profile": _personal,
    "nhsperson": _personal,
    "email": _email,
    "nationalrbacaccess": _roles,
    "associatedorgs": _organisations,
    "organisationalmemberships": _organisation_memberships,
    "professionalmemberships": _professional_memberships,
    "selectedrole": _selected_role,
}
