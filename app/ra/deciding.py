"""Deciding requests: the RA manager's or agent's part of two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.position import PositionStatus
from app.domain.request import TAKEN_FOR, AccessRequest, RequestStatus, require_may_decide
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.finding import require_person
from app.ra.granting import Grant, role_profiles_of
from app.ra.organisation_scope import OrganisationScope
from app.ra.ports import Database, Work
from app.ra.positioning import require_position
from app.ra.records import RequestRecord, RequestSummary
from app.ra.requesting import require_active
from app.ra.summaries import Names, request_summaries

#: How long a decided request stays on the dashboard, as in the national service.
CLOSED_SHOWN_FOR = timedelta(days=30)


class Deciding:
    """Shows, takes, grants and rejects requests."""

    def __init__(self, database: Database, scope: OrganisationScope) -> None:
        self._database = database
        self._scope = scope

    def open_requests(self, actor: Actor) -> list[RequestSummary]:
        """Open requests: of the organisations the actor decides for, or else the actor's own.

        Raises:
            NotPermitted
        """
        _require_part_in_requests(actor)
        with self._database.read() as work:
            return self._summaries(work, actor, work.requests.open())

    def closed_requests(self, actor: Actor) -> list[RequestSummary]:
        """Those granted or rejected in the last 30 days, the latest first; visible as the open ones are.

        Raises:
            NotPermitted
        """
        _require_part_in_requests(actor)
        with self._database.read() as work:
            return self._summaries(work, actor, work.requests.decided_since(work.now - CLOSED_SHOWN_FOR))

    def request(self, actor: Actor, request_id: str) -> RequestRecord:
        """One request with its position and decision.

        Raises:
            NotFound: also when it is another sponsor's.
        """
        with self._database.read() as work:
            request = work.requests.get(request_id)
            if request is None or not self._may_see(work, actor, request):
                raise _unknown()
            return _record(work, request)

    def take(self, actor: Actor, request_id: str) -> None:
        """Hold the request for 15 minutes, so that nobody else decides it meanwhile.

        Raises:
            NotPermitted and its kinds, NotFound, RequestAlreadyDecided, RequestTakenByAnother
        """
        with self._deciding(actor, "access_request.taken", request_id) as (work, request):
            work.requests.take(request.id, actor.uid, work.now + TAKEN_FOR)

    def grant(self, actor: Actor, request_id: str, note: str) -> None:
        """Give the position: role profiles, audit and announcement in one transaction.

        Raises:
            NotPermitted and its kinds, NotFound, RequestAlreadyDecided, RequestTakenByAnother,
            PersonClosed, InvalidInput
        """
        with self._deciding(actor, "access_request.granted", request_id) as (work, request):
            require_active(require_person(work, request.subject_uid))
            _decide(work, actor, request, RequestStatus.GRANTED, note)
            work.audit.details(role_profiles=_grant(work, request))
            work.outbox.add("directory.person", request.subject_uid)

    def reject(self, actor: Actor, request_id: str, reason: str) -> None:
        """Close the request without giving anything.

        Raises:
            NotPermitted and its kinds, NotFound, RequestAlreadyDecided, RequestTakenByAnother, InvalidInput
        """
        with self._deciding(actor, "access_request.rejected", request_id) as (work, request):
            if not reason.strip():
                raise InvalidInput({"reason": "Say why you reject the request. The sponsor reads it."})
            _decide(work, actor, request, RequestStatus.REJECTED, reason)
            work.audit.details(reason_given=reason.strip()[:200])

    @contextmanager
    def _deciding(self, actor: Actor, event: str, request_id: str) -> Iterator[tuple[Work, AccessRequest]]:
        """The request, locked, once the actor may decide it; subject of the audit event is the person."""
        subject = self._subject_of(request_id)
        with self._database.audited(actor, event, subject, request=request_id) as work:
            actor.require(Permission.DECIDE_REQUEST)
            request = work.requests.get_to_decide(request_id)
            if request is None:
                raise _unknown()
            self._scope.require(work, actor, request.organisation_code)
            require_may_decide(request, actor.uid, work.now)
            work.audit.details(position=request.position_id, organisation=request.organisation_code)
            yield work, request

    def _subject_of(self, request_id: str) -> str:
        with self._database.read() as work:
            request = work.requests.get(request_id)
        return request.subject_uid if request else request_id

    def _summaries(self, work: Work, actor: Actor, requests: list[AccessRequest]) -> list[RequestSummary]:
        visible = [request for request in requests if self._may_see(work, actor, request)]
        return request_summaries(work, visible)

    def _may_see(self, work: Work, actor: Actor, request: AccessRequest) -> bool:
        if request.requested_by == actor.uid:
            return True
        return Permission.DECIDE_REQUEST in actor.permissions and self._scope.covers(
            work, actor, request.organisation_code
        )


def _require_part_in_requests(actor: Actor) -> None:
    if Permission.DECIDE_REQUEST not in actor.permissions:
        actor.require(Permission.REQUEST_POSITION)


def _unknown() -> NotFound:
    return NotFound("There is no such request, or it is not yours to see.")


def _decide(work: Work, actor: Actor, request: AccessRequest, status: RequestStatus, note: str) -> None:
    work.requests.decide(request.id, status, actor.uid, actor.role_profile_id, work.now, note.strip()[:2000])


def _grant(work: Work, request: AccessRequest) -> list[str]:
    position = require_position(work, request.position_id)
    if position.status is not PositionStatus.OPEN:
        raise NotPermitted("This position was closed since it was asked for. Reject the request.")
    grant = Grant(request.subject_uid, position, request.starts_on, request.ends_on)
    profiles = role_profiles_of(work, grant)
    for profile in profiles:
        work.role_profiles.grant(profile, request.id, work.now)
    return [profile.id for profile in profiles]


def _record(work: Work, request: AccessRequest) -> RequestRecord:
    names = Names(work, (request.decided_by,))
    return RequestRecord(
        summary=request_summaries(work, [request])[0],
        reason=request.reason,
        position=require_position(work, request.position_id),
        taken_until=request.taken_until if request.taken_by_at(work.now) else None,
        decided_by=names.person(request.decided_by) if request.decided_by else None,
        decided_at=request.decided_at,
        decision_note=request.decision_note,
        subject_needs_card=_needs_card(work, request.subject_uid),
    )


def _needs_card(work: Work, uid: str) -> bool:
    return work.cards.live_of(uid) is None and work.issuances.open_of(uid) is None
