"""How somebody's access is shown: at which organisation, as what, and what that lets them do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.domain.rbac import NO_PUBLIC_NAME
from app.ra.records import RoleRecord
from app.web.presenters.wording import Tag, counted, period


@dataclass(frozen=True)
class RoleShown:
    """One role profile, ready to be written; ``activities`` names everything that it lets somebody do."""

    organisation: str
    organisation_href: str
    position: str
    job_role: str
    when: str
    status: Tag
    activities: tuple[str, ...]
    activities_heading: str
    withdraw_href: str = ""


def roles_shown(
    roles: tuple[RoleRecord, ...], today: date, withdrawable: frozenset[str] = frozenset()
) -> tuple[RoleShown, ...]:
    """Role profiles, those in force first."""
    in_force_first = sorted(roles, key=lambda role: not role.profile.counts_on(today))
    return tuple(_shown(role, today, role.profile.id in withdrawable) for role in in_force_first)


def _shown(role: RoleRecord, today: date, may_withdraw: bool) -> RoleShown:
    profile = role.profile
    # What a role that is over once allowed is not known from today's tables.
    resolved = () if profile.is_over(today) else role.resolved
    activities = _activities(resolved)
    return RoleShown(
        organisation=f"{role.organisation_name} ({profile.organisation_code})",
        organisation_href=f"/organisations/{profile.organisation_code}",
        position=role.position_name,
        job_role=f"{role.job_role_name} ({profile.job_role_code})",
        when=period(profile.starts_on, profile.ends_on),
        status=_tag(role, today),
        activities=activities,
        activities_heading=counted(len(resolved), "activity", "activities") if resolved else "",
        withdraw_href=f"/role-profiles/{profile.id}/withdraw" if may_withdraw else "",
    )


def _activities(resolved: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """In words, by name; the codes that have no public name stand together at the end."""
    named = sorted(f"{name} ({code})" for code, name in resolved if name != NO_PUBLIC_NAME)
    nameless = [code for code, name in resolved if name == NO_PUBLIC_NAME]
    return (*named, f"Without a public name: {', '.join(nameless)}") if nameless else tuple(named)


def _tag(role: RoleRecord, today: date) -> Tag:
    profile = role.profile
    if profile.withdrawn_at is not None:
        return Tag("Withdrawn", "grey")
    if profile.counts_on(today):
        return Tag("In force", "green")
    return Tag("Not yet", "blue") if profile.starts_on > today else Tag("Ended", "grey")
