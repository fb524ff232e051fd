"""Creating positions, and looking them up."""

from __future__ import annotations

from dataclasses import replace

from app.domain.actor import Actor
from app.domain.organisation import OrganisationStatus
from app.domain.permission import Permission
from app.domain.position import (
    AccessProfile,
    NewPosition,
    Position,
    PositionStatus,
    require_complete,
)
from app.errors import InvalidInput, NotFound
from app.ra.ids import new_id
from app.ra.organisation_scope import OrganisationScope
from app.ra.ports import Database, Work


class Positioning:
    """Creates positions at the actor's organisation and those under it."""

    def __init__(self, database: Database, scope: OrganisationScope) -> None:
        self._database = database
        self._scope = scope

    def create(self, actor: Actor, new: NewPosition) -> str:
        """Create the position and return its 12-digit id.

        Raises:
            NotPermitted, OutsideOrganisation, InvalidInput
        """
        subject = new.organisation_code or "(no organisation)"
        with self._database.audited(actor, "position.created", subject, name=new.name) as work:
            actor.require(Permission.CREATE_POSITION)
            for code in {new.organisation_code, *_organisations_of(new)}:
                self._scope.require(work, actor, code)
            position_id = create_position(work, new, actor.uid)
            work.audit.details(position=position_id, approval=new.approval.reference)
            return position_id

    def may_create_at(self, actor: Actor, organisation_code: str) -> bool:
        """Whether the actor, in the chosen role, may create positions at the organisation."""
        if Permission.CREATE_POSITION not in actor.permissions:
            return False
        with self._database.read() as work:
            return self._scope.covers(work, actor, organisation_code)

    def require_may_create_at(self, actor: Actor, organisation_code: str) -> None:
        """Refuse before a long form is filled in for nothing.

        Raises:
            NotPermitted, OutsideOrganisation
        """
        actor.require(Permission.CREATE_POSITION)
        with self._database.read() as work:
            self._scope.require(work, actor, organisation_code)

    def at(self, organisation_code: str) -> list[Position]:
        """The open positions of an organisation."""
        with self._database.read() as work:
            return work.positions.at(organisation_code)

    def position(self, position_id: str) -> Position:
        """One position.

        Raises:
            NotFound
        """
        with self._database.read() as work:
            return require_position(work, position_id)


def _organisations_of(new: NewPosition) -> set[str]:
    return {profile.organisation_code for profile in new.access_profiles if profile.organisation_code}


def require_position(work: Work, position_id: str) -> Position:
    """The position with this id.

    Raises:
        NotFound
    """
    position = work.positions.get(position_id)
    if position is None:
        raise NotFound("There is no such position.")
    return position


def create_position(work: Work, new: NewPosition, created_by: str) -> str:
    """Check the position against the reference data and keep it.

    Raises:
        InvalidInput
    """
    require_complete(new, work.now.date())
    _require_known(work, new)
    position = Position(
        id=new_id(work),
        organisation_code=new.organisation_code,
        name=new.name.strip(),
        notes=new.notes.strip(),
        access_profiles=tuple(_at_organisation(each, new) for each in new.access_profiles),
        approval=new.approval,
        status=PositionStatus.OPEN,
        created_by=created_by,
        created_at=work.now,
    )
    work.positions.add(position)
    for code in {each.organisation_code for each in position.access_profiles if each.workgroups}:
        work.outbox.add("directory.reference", code)
    return position.id


def _at_organisation(profile: AccessProfile, new: NewPosition) -> AccessProfile:
    return replace(profile, organisation_code=profile.organisation_code or new.organisation_code)


def _require_known(work: Work, new: NewPosition) -> None:
    """Refuse organisations, job roles and activities that the current reference data does not have."""
    problems = {}
    for code in {new.organisation_code, *_organisations_of(new)}:
        organisation = work.organisations.get(code)
        if organisation is None or organisation.status is not OrganisationStatus.ACTIVE:
            problems["organisation_code"] = f"There is no open organisation {code}. Search for it by name."
    for index, profile in enumerate(new.access_profiles):
        problems |= _unknown_codes(work, f"access_profiles.{index}", profile)
    if problems:
        raise InvalidInput(problems)


def _unknown_codes(work: Work, field: str, profile: AccessProfile) -> dict[str, str]:
    problems = {}
    job_role = work.rbac.job_role(profile.job_role_code)
    if job_role is None or not job_role.is_current:
        problems[f"{field}.job_role_code"] = f"There is no current job role {profile.job_role_code}."
    unknown = [code for code in profile.activity_codes if work.rbac.activity(code) is None]
    if unknown:
        problems[f"{field}.activity_codes"] = f"There is no current activity {', '.join(unknown)}."
    return problems
