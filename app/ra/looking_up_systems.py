"""Looking at systems: lists, one system with its history, and what is asked for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.system import SystemStatus
from app.domain.system_certificate import RENEW_BEFORE
from app.domain.system_request import SystemRequest, SystemRequestKind, SystemRequestStatus
from app.errors import NotFound
from app.ra.organisation_scope import OrganisationScope
from app.ra.ports import Database, Work
from app.ra.registering_systems import details_of
from app.ra.requesting_systems import require_system
from app.ra.summaries import Names
from app.ra.system_records import (
    CertificateDue,
    SystemRecord,
    SystemRequestRecord,
    SystemSummary,
)

MOST_FOUND = 100
CLOSED_SHOWN_FOR = timedelta(days=30)
_DECIDERS = frozenset({Permission.APPROVE_SYSTEM, Permission.APPROVE_HOST_NAMES})


class LookingUpSystems:
    """Everything about systems that a page shows. Needs ``systems.view``."""

    def __init__(self, database: Database, scope: OrganisationScope) -> None:
        self._database = database
        self._scope = scope

    def search(self, actor: Actor, text: str, status: SystemStatus | None) -> list[SystemSummary]:
        """At most 100 systems by ASID.

        Raises:
            NotPermitted
        """
        actor.require(Permission.VIEW_SYSTEMS)
        with self._database.read() as work:
            found = work.systems.search(text.strip(), status, MOST_FOUND)
            names = Names(work, (), [each.organisation_code for each in found])
            return [SystemSummary(each, names.organisation(each.organisation_code)) for each in found]

    def system(self, actor: Actor, asid: str) -> SystemRecord:
        """One system with its endpoints, certificates and history.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.VIEW_SYSTEMS)
        with self._database.read() as work:
            system = require_system(work, asid)
            history = _records(work, list(reversed(work.system_requests.about(asid))))
            return SystemRecord(
                system=system,
                organisation_name=Names(work, (), [system.organisation_code]).organisation(
                    system.organisation_code
                ),
                details=details_of(work, system),
                endpoints=tuple(work.systems.endpoints_of(system.party_key)),
                certificates=tuple(work.system_certificates.of(asid)),
                history=tuple(history),
            )

    def open_requests(self, actor: Actor) -> list[SystemRequestRecord]:
        """Open requests that the actor raised or may decide.

        Raises:
            NotPermitted
        """
        actor.require(Permission.VIEW_SYSTEMS)
        with self._database.read() as work:
            return self._visible(work, actor, work.system_requests.open())

    def closed_requests(self, actor: Actor) -> list[SystemRequestRecord]:
        """Those decided in the last 30 days, the latest first.

        Raises:
            NotPermitted
        """
        actor.require(Permission.VIEW_SYSTEMS)
        with self._database.read() as work:
            closed = work.system_requests.decided_since(work.now - CLOSED_SHOWN_FOR)
            latest = sorted(closed, key=lambda each: each.decided_at or work.now, reverse=True)
            return self._visible(work, actor, latest)

    def request(self, actor: Actor, request_id: str) -> SystemRequestRecord:
        """One request.

        Raises:
            NotPermitted, NotFound: also when it is another's.
        """
        actor.require(Permission.VIEW_SYSTEMS)
        with self._database.read() as work:
            request = work.system_requests.get(request_id)
            visible = self._visible(work, actor, [request]) if request else []
        if not visible:
            raise NotFound("There is no such request, or it is not yours to see.")
        return visible[0]

    def batch(self, actor: Actor, batch: str) -> list[SystemRequestRecord]:
        """What came with one list.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.VIEW_SYSTEMS)
        with self._database.read() as work:
            visible = self._visible(work, actor, work.system_requests.of_batch(batch))
        if not visible:
            raise NotFound("There is no such list, or it is not yours to see.")
        return visible

    def certificates_due(self, actor: Actor) -> list[CertificateDue]:
        """Live systems whose newest good certificate ends within 60 days, or has ended.

        Raises:
            NotPermitted
        """
        actor.require(Permission.VIEW_SYSTEMS)
        with self._database.read() as work:
            ending = work.system_certificates.ending_before(work.now + RENEW_BEFORE)
            asids = dict.fromkeys(each.asid for each in ending)
            return [due for asid in asids if (due := _due(work, asid)) is not None]

    def _visible(
        self, work: Work, actor: Actor, requests: Sequence[SystemRequest]
    ) -> list[SystemRequestRecord]:
        return _records(work, [each for each in requests if self._may_see(work, actor, each)])

    def _may_see(self, work: Work, actor: Actor, request: SystemRequest) -> bool:
        if request.requested_by == actor.uid:
            return True
        return bool(_DECIDERS & actor.permissions) and self._scope.covers(
            work, actor, request.organisation_code
        )


def _due(work: Work, asid: str) -> CertificateDue | None:
    system = require_system(work, asid)
    good = [each for each in work.system_certificates.of(asid) if each.revoked_at is None]
    newest = max(each.not_after for each in good)
    if system.status is SystemStatus.CLOSED or newest - work.now > RENEW_BEFORE:
        return None
    return CertificateDue(asid, system.product, system.organisation_code, newest)


def _records(work: Work, requests: Sequence[SystemRequest]) -> list[SystemRequestRecord]:
    names = Names(
        work,
        {uid for each in requests for uid in (each.requested_by, each.decided_by, _checker(each))},
        [each.organisation_code for each in requests],
    )
    return [_record(work, names, each) for each in requests]


def _record(work: Work, names: Names, request: SystemRequest) -> SystemRequestRecord:
    checker = _checker(request)
    return SystemRequestRecord(
        request=request,
        organisation_name=names.organisation(request.organisation_code),
        requested_by=names.person(request.requested_by),
        decided_by=names.person(request.decided_by) if request.decided_by else None,
        hosts_checked_by=names.person(checker) if checker else None,
        before=details_of(work, require_system(work, request.asid or "")) if _has_before(request) else None,
    )


def _checker(request: SystemRequest) -> str | None:
    return request.hosts_checked.by if request.hosts_checked else None


def _has_before(request: SystemRequest) -> bool:
    is_open = request.status is SystemRequestStatus.OPEN
    return is_open and request.kind is SystemRequestKind.CHANGE
