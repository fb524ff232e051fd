"""Asking that somebody be given a position: the sponsor's part of two."""

from __future__ import annotations

from datetime import date

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.person import Person, PersonClosed, PersonStatus
from app.domain.position import PositionStatus
from app.domain.request import AccessRequest, RequestStatus, require_dates, require_may_request
from app.errors import InvalidInput
from app.ra.finding import require_person
from app.ra.ids import new_record_id
from app.ra.organisation_scope import OrganisationScope
from app.ra.ports import Database, Work
from app.ra.positioning import require_position


class Requesting:
    """Raises requests at the sponsor's own organisation and those under it."""

    def __init__(self, database: Database, scope: OrganisationScope) -> None:
        self._database = database
        self._scope = scope

    def request_position(
        self, actor: Actor, uid: str, position_id: str, starts_on: date, ends_on: date | None, reason: str
    ) -> str:
        """Ask for the position for the person and return the request's id.

        Raises:
            NotPermitted, CannotRequestForOneself, OutsideOrganisation, NotFound, InvalidInput,
            PersonClosed, RequestAlreadyOpen
        """
        with self._database.audited(actor, "access_request.raised", uid, position=position_id) as work:
            actor.require(Permission.REQUEST_POSITION)
            require_may_request(actor.uid, uid)
            require_active(require_person(work, uid))
            organisation_code = self._require_position_in_scope(work, actor, position_id)
            require_dates(starts_on, ends_on, work.now.date())
            request = AccessRequest(
                id=new_record_id(),
                subject_uid=uid,
                position_id=position_id,
                organisation_code=organisation_code,
                starts_on=starts_on,
                ends_on=ends_on,
                reason=_reason(reason),
                status=RequestStatus.OPEN,
                requested_by=actor.uid,
                requested_at=work.now,
                requested_role_profile=actor.role_profile_id,
            )
            work.requests.add(request)
            work.audit.details(request=request.id, organisation=organisation_code)
            return request.id

    def may_request_at(self, actor: Actor, organisation_code: str) -> bool:
        """Whether the actor, in the chosen role, may request positions at the organisation."""
        with self._database.read() as work:
            return self._scope.covers(work, actor, organisation_code)

    def _require_position_in_scope(self, work: Work, actor: Actor, position_id: str) -> str:
        position = require_position(work, position_id)
        self._scope.require(work, actor, position.organisation_code)
        if position.status is not PositionStatus.OPEN:
            raise InvalidInput({"position_id": "This position is closed. Choose another."})
        return position.organisation_code


def _reason(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the person needs this position."})
    return reason.strip()[:2000]


def require_active(person: Person) -> None:
    """Refuse to give anything to somebody whose profile is closed.

    Raises:
        PersonClosed
    """
    if person.status is not PersonStatus.ACTIVE:
        raise PersonClosed(f"The profile of {person.name} is closed. Reopen it first.")
