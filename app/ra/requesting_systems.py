"""Asking that a system be registered, changed, resumed or withdrawn: the first of two people. Stopping it.

What is asked is checked when it is asked, and again when it is approved.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import replace

from app.domain.actor import Actor
from app.domain.organisation import OrganisationStatus
from app.domain.permission import Permission
from app.domain.system import AccreditedSystem, SystemStatus
from app.domain.system_details import Endpoint, SystemDetails, require_usable
from app.domain.system_request import (
    SystemInOtherState,
    SystemRequest,
    SystemRequestKind,
    SystemRequestStatus,
    require_open,
)
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.ids import new_record_id
from app.ra.organisation_scope import OrganisationScope
from app.ra.ports import Database, Work
from app.ra.registering_systems import details_of, move_system, new_endpoints

_LONGEST_REASON = 1000


class RequestingSystems:
    """Raises requests at the asker's own organisation and those under it.

    Args:
        interactions: every interaction id that there is.
    """

    def __init__(self, database: Database, scope: OrganisationScope, interactions: Collection[str]) -> None:
        self._database = database
        self._scope = scope
        self._interactions = interactions

    def interactions(self) -> list[str]:
        """Every interaction id that there is, in order."""
        return sorted(self._interactions)

    def require_usable(self, details: SystemDetails) -> None:
        """Refuse what can never be registered, with everything that is wrong.

        Raises:
            InvalidInput
        """
        require_usable(details, self._interactions)

    def check(self, actor: Actor, details: SystemDetails) -> None:
        """Refuse what could not be asked for; nothing is changed. For previews.

        Raises:
            NotPermitted and its kinds, InvalidInput
        """
        actor.require(Permission.REGISTER_SYSTEM)
        with self._database.read() as work:
            self._require_registrable(work, actor, details)

    def register(self, actor: Actor, details: SystemDetails, reason: str, batch: str | None = None) -> str:
        """Ask for a new system with its endpoints; returns the request's id.

        Raises:
            NotPermitted and its kinds, InvalidInput, SystemRequestAlreadyOpen
        """
        request_id = new_record_id()
        with self._raising(actor, request_id, SystemRequestKind.REGISTER, details.organisation) as work:
            actor.require(Permission.REGISTER_SYSTEM)
            self._require_registrable(work, actor, details)
            asked = system_request(work, actor, request_id, SystemRequestKind.REGISTER, details, reason)
            hosts = _hosts(details.endpoint)
            work.system_requests.add(replace(asked, details=details, batch=batch, new_hosts=hosts))
        return request_id

    def change(self, actor: Actor, asid: str, details: SystemDetails, reason: str) -> str:
        """Ask that the system and its endpoints become what the details say; returns the request's id.

        Raises:
            NotPermitted and its kinds, NotFound, InvalidInput, SystemInOtherState, SystemRequestAlreadyOpen
        """
        request_id = new_record_id()
        with self._raising(actor, request_id, SystemRequestKind.CHANGE, asid) as work:
            system = self._require_system(work, actor, asid, SystemStatus.ACTIVE, SystemStatus.SUSPENDED)
            before = details_of(work, system)
            details = replace(details, organisation=system.organisation_code)
            require_usable(details, self._interactions)
            _require_free(work, details, asid)
            if details == before:
                raise InvalidInput({"product": "Nothing is different from what is registered."})
            asked = system_request(work, actor, request_id, SystemRequestKind.CHANGE, details, reason)
            hosts = _hosts(new_endpoints(before, details))
            work.system_requests.add(replace(asked, asid=asid, details=details, new_hosts=hosts))
        return request_id

    def resume(self, actor: Actor, asid: str, reason: str) -> str:
        """Ask that a suspended system may take part again; returns the request's id.

        Raises:
            NotPermitted and its kinds, NotFound, InvalidInput, SystemInOtherState, SystemRequestAlreadyOpen
        """
        return self._ask(actor, asid, SystemRequestKind.RESUME, reason, SystemStatus.SUSPENDED)

    def withdraw(self, actor: Actor, asid: str, reason: str) -> str:
        """Ask that a system end for good, with its endpoints and certificates; returns the request's id.

        Raises:
            NotPermitted and its kinds, NotFound, InvalidInput, SystemInOtherState, SystemRequestAlreadyOpen
        """
        states = (SystemStatus.ACTIVE, SystemStatus.SUSPENDED)
        return self._ask(actor, asid, SystemRequestKind.WITHDRAW, reason, *states)

    def suspend(self, actor: Actor, asid: str, reason: str) -> None:
        """Stop a system at once: it and its endpoints leave the directory.

        Raises:
            NotPermitted and its kinds, NotFound, InvalidInput, SystemInOtherState
        """
        request_id = new_record_id()
        with self._database.audited(actor, "system.suspended", asid, request=request_id) as work:
            system = self._require_system(work, actor, asid, SystemStatus.ACTIVE)
            details = details_of(work, system)
            asked = system_request(work, actor, request_id, SystemRequestKind.SUSPEND, details, reason)
            done = replace(asked, asid=asid, status=SystemRequestStatus.AT_ONCE)
            work.system_requests.add(done)
            move_system(work, system, SystemStatus.SUSPENDED)
            work.audit.details(reason_given=done.reason[:200])

    def cancel(self, actor: Actor, request_id: str) -> None:
        """Take one's own request back.

        Raises:
            NotFound, NotPermitted, SystemRequestAlreadyDecided
        """
        with self._database.audited(
            actor, "system_request.cancelled", request_id, request=request_id
        ) as work:
            request = work.system_requests.get_to_decide(request_id)
            if request is None:
                raise NotFound("There is no such request.")
            if request.requested_by != actor.uid:
                raise NotPermitted("Only the one who asked can take a request back. Reject it instead.")
            require_open(request)
            work.audit.details(kind=request.kind.value)
            work.system_requests.save(replace(request, status=SystemRequestStatus.CANCELLED))

    def _ask(
        self, actor: Actor, asid: str, kind: SystemRequestKind, reason: str, *states: SystemStatus
    ) -> str:
        request_id = new_record_id()
        with self._raising(actor, request_id, kind, asid) as work:
            system = self._require_system(work, actor, asid, *states)
            asked = system_request(work, actor, request_id, kind, details_of(work, system), reason)
            work.system_requests.add(replace(asked, asid=asid))
        return request_id

    def _raising(
        self, actor: Actor, request_id: str, kind: SystemRequestKind, subject: str
    ) -> AbstractContextManager[Work]:
        return self._database.audited(
            actor, "system_request.raised", subject, request=request_id, kind=kind.value
        )

    def _require_system(self, work: Work, actor: Actor, asid: str, *states: SystemStatus) -> AccreditedSystem:
        actor.require(Permission.REGISTER_SYSTEM)
        system = require_system(work, asid)
        self._scope.require(work, actor, system.organisation_code)
        require_state(system, *states)
        return system

    def _require_registrable(self, work: Work, actor: Actor, details: SystemDetails) -> None:
        require_usable(details, self._interactions)
        require_open_organisation(work, details.organisation)
        self._scope.require(work, actor, details.organisation)
        _require_free(work, details, None)


def system_request(
    work: Work, actor: Actor, request_id: str, kind: SystemRequestKind, details: SystemDetails, reason: str
) -> SystemRequest:
    """A new request as its asker raises it.

    Raises:
        InvalidInput: without a reason.
        NotPermitted: without a role.
    """
    if not reason.strip():
        raise InvalidInput({"reason": "Say why. Whoever decides reads it, and the record keeps it."})
    work.audit.details(organisation=details.organisation)
    return SystemRequest(
        id=request_id,
        kind=kind,
        asid=None,
        organisation_code=details.organisation,
        product=details.product,
        reason=reason.strip()[:_LONGEST_REASON],
        requested_by=actor.uid,
        requested_role_profile=role_profile_of(actor),
        requested_at=work.now,
    )


def _hosts(endpoints: Collection[Endpoint]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.fqdn for each in endpoints))


def _require_free(work: Work, details: SystemDetails, asid: str | None) -> None:
    """Refuse a second system of one product in one organisation: nobody could tell the two apart."""
    known = work.systems.accredited_system_of(details.organisation, details.product)
    if known is not None and known.asid != asid:
        raise InvalidInput(
            {"product": f"{details.product} is registered there as ASID {known.asid}. Change that one."}
        )


def role_profile_of(actor: Actor) -> str:
    """The chosen role profile, which stands on the record of every system.

    Raises:
        NotPermitted: none is chosen.
    """
    if actor.role_profile_id is None:
        raise NotPermitted("Choose a role first.")
    return actor.role_profile_id


def require_system(work: Work, asid: str) -> AccreditedSystem:
    """The system with this ASID.

    Raises:
        NotFound
    """
    system = work.systems.accredited_system(asid)
    if system is None:
        raise NotFound(f"There is no system with the ASID {asid}.")
    return system


def require_state(system: AccreditedSystem, *states: SystemStatus) -> None:
    """Refuse a system in another state.

    Raises:
        SystemInOtherState
    """
    if system.status not in states:
        words = {SystemStatus.CLOSED: "withdrawn"}.get(system.status, system.status.value)
        raise SystemInOtherState(f"This system is {words}, so this cannot be done. Nothing was changed.")


def require_open_organisation(work: Work, code: str) -> None:
    """Refuse an organisation that nobody knows or that is closed.

    Raises:
        InvalidInput: under ``organisation``.
    """
    organisation = work.organisations.get(code)
    if organisation is None:
        raise InvalidInput({"organisation": f"There is no organisation {code}. Check its ODS code."})
    if organisation.status is not OrganisationStatus.ACTIVE:
        raise InvalidInput({"organisation": f"{organisation.name} ({code}) is closed."})
