"""Which job role and activities carry which permission: data, in ``config/permissions.toml``.

Sources give the codes and the tasks but not always who holds which code, so the mapping can be changed
without a change of code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.permission import Permission


@dataclass(frozen=True)
class PermissionRule:
    """Holders of one of the job roles and one of the activities have the permissions.

    Attributes:
        name: the actor's name in the field, e.g. ``RA agent``.
        job_roles: any of these codes; empty for every job role.
        activities: any of these codes, as an additional activity; empty for none needed.
        is_assumed: no source says that this actor holds these codes. Good for trying, and nothing to rely on.
    """

    name: str
    job_roles: frozenset[str]
    activities: frozenset[str]
    permissions: frozenset[Permission]
    is_assumed: bool = False

    def applies_to(self, job_role_code: str, activity_codes: Collection[str]) -> bool:
        """Whether a role profile with these codes is meant."""
        if self.job_roles and job_role_code not in self.job_roles:
            return False
        return not self.activities or not self.activities.isdisjoint(activity_codes)


@dataclass(frozen=True)
class PermissionsPolicy:
    """All the rules."""

    rules: tuple[PermissionRule, ...]

    def permissions_of(self, job_role_code: str, activity_codes: Collection[str]) -> frozenset[Permission]:
        """What a role profile with this job role and these additional activities may do."""
        granted: frozenset[Permission] = frozenset()
        for rule in self.rules:
            if rule.applies_to(job_role_code, activity_codes):
                granted |= rule.permissions
        return granted


def parse(document: Mapping[str, Any], *, with_assumed: bool = True) -> PermissionsPolicy:
    """The policy from the parsed TOML file.

    Args:
        with_assumed: whether rules whose codes are assumed give anything; in production they do not.

    Raises:
        ValueError: naming the rule and what is wrong: an unknown permission or key, or a rule for everybody.
    """
    rules = tuple(_rule(each) for each in document.get("rule", ()))
    return PermissionsPolicy(tuple(rule for rule in rules if with_assumed or not rule.is_assumed))


def _rule(table: Mapping[str, Any]) -> PermissionRule:
    name = str(table.get("name", "without a name"))
    unknown = set(table) - {"name", "job_roles", "activities", "permissions", "assumed"}
    if unknown:
        raise ValueError(f"permissions, rule {name!r}: unknown key {sorted(unknown)[0]!r}")
    job_roles, activities = frozenset(table.get("job_roles", ())), frozenset(table.get("activities", ()))
    if not job_roles and not activities:
        raise ValueError(f"permissions, rule {name!r}: name job roles or activities, or everybody has it")
    permissions = _permissions(name, table.get("permissions", ()))
    return PermissionRule(name, job_roles, activities, permissions, table.get("assumed", False) is not False)


def _permissions(rule_name: str, names: Sequence[str]) -> frozenset[Permission]:
    try:
        return frozenset(Permission(name) for name in names)
    except ValueError as error:
        raise ValueError(f"permissions, rule {rule_name!r}: {error}") from error
