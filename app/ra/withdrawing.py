"""Withdrawing access before its last day: somebody leaves, or holds what they no longer need.

Taking away needs one person only, unlike giving: somebody else, who decides requests at the organisation.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.role_profile import RoleProfile, require_may_withdraw
from app.errors import InvalidInput, NotFound
from app.ra.organisation_scope import OrganisationScope
from app.ra.records import PersonReference, RoleRecord
from app.ra.summaries import role_records
from app.ra.withdrawal_ports import Database, Work

_LONGEST_REASON = 200


@dataclass(frozen=True)
class HeldAccess:
    """A role profile with its names, and who holds it."""

    holder: PersonReference
    role: RoleRecord


class Withdrawing:
    """Takes role profiles away early."""

    def __init__(self, database: Database, scope: OrganisationScope) -> None:
        self._database = database
        self._scope = scope

    def open_to(self, actor: Actor, uid: str) -> frozenset[str]:
        """The role profiles of a person that this actor may withdraw now."""
        if Permission.DECIDE_REQUEST not in actor.permissions or actor.uid == uid:
            return frozenset()
        with self._database.read() as work:
            today = work.now.date()
            going_on = [each for each in work.role_profiles.of(uid) if not each.is_over(today)]
            codes = {each.organisation_code for each in going_on}
            covered = {code for code in codes if self._scope.covers(work, actor, code)}
            return frozenset(each.id for each in going_on if each.organisation_code in covered)

    def held(self, actor: Actor, role_profile_id: str) -> HeldAccess:
        """A role profile that this actor may withdraw now; refuses as ``withdraw`` does.

        Raises:
            NotPermitted and its kinds, NotFound, AccessAlreadyEnded
        """
        actor.require(Permission.DECIDE_REQUEST)
        with self._database.read() as work:
            profile = self._require(work, actor, work.role_profiles.get(role_profile_id))
            name = work.people.names([profile.uid])[profile.uid]
            return HeldAccess(PersonReference(profile.uid, name), role_records(work, [profile])[0])

    def withdraw(self, actor: Actor, role_profile_id: str, reason: str) -> None:
        """It gives no access from now on. Its holder is signed out everywhere; the directory learns of it.

        Raises:
            NotPermitted and its kinds, NotFound, AccessAlreadyEnded
            InvalidInput: under ``reason``.
        """
        subject = self._holder_of(role_profile_id)
        with self._database.audited(
            actor, "role_profile.withdrawn", subject, role_profile=role_profile_id
        ) as work:
            actor.require(Permission.DECIDE_REQUEST)
            profile = self._require(work, actor, work.role_profiles.get_to_withdraw(role_profile_id))
            if not reason.strip():
                raise InvalidInput({"reason": "Say why the access ends."})
            work.role_profiles.withdraw(profile.id, actor.uid, work.now)
            work.sessions.end_all(profile.uid, "access_withdrawn")
            work.outbox.add("directory.person", profile.uid)
            work.audit.details(
                organisation=profile.organisation_code,
                job_role=profile.job_role_code,
                reason_given=reason.strip()[:_LONGEST_REASON],
            )

    def _require(self, work: Work, actor: Actor, profile: RoleProfile | None) -> RoleProfile:
        if profile is None:
            raise NotFound("There is no such access.")
        self._scope.require(work, actor, profile.organisation_code)
        require_may_withdraw(profile, actor.uid, work.now.date())
        return profile

    def _holder_of(self, role_profile_id: str) -> str:
        with self._database.read() as work:
            profile = work.role_profiles.get(role_profile_id)
        return profile.uid if profile else role_profile_id
