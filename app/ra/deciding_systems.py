"""Deciding what is asked for systems: the second of two people, and whoever checks the host names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.system import DnsApproval, FourEyes, SystemStatus
from app.domain.system_details import SystemDetails, require_usable
from app.domain.system_request import (
    HostNamesCheck,
    SystemInOtherState,
    SystemRequest,
    SystemRequestKind,
    SystemRequestStatus,
    require_another_checks,
    require_another_decides,
    require_hosts_checked,
)
from app.errors import InvalidInput, NotFound, Refusal
from app.ra.organisation_scope import OrganisationScope
from app.ra.ports import Database, Work
from app.ra.registering_systems import change_system, move_system, register_system
from app.ra.requesting_systems import (
    require_open_organisation,
    require_state,
    require_system,
    role_profile_of,
)
from app.ra.revoking import revoke_system_certificates

_LONGEST_NOTE = 1000


class HostNames(Protocol):
    """``app.adapters.host_names``."""

    def addresses(self, names: Sequence[str]) -> Mapping[str, list[str]]:
        """The addresses that each name has now; none when it has none or nobody answers."""


class DecidingSystems:
    """Checks host names, approves and rejects.

    Args:
        interactions: every interaction id that there is.
    """

    def __init__(
        self,
        database: Database,
        scope: OrganisationScope,
        interactions: Collection[str],
        host_names: HostNames,
    ) -> None:
        self._database = database
        self._scope = scope
        self._interactions = interactions
        self._host_names = host_names

    def check_host_names(self, actor: Actor, request_id: str) -> None:
        """Record that the new endpoints' host names are in order, with what they resolve to at this moment.

        Raises:
            NotPermitted and its kinds, NotFound, SystemRequestAlreadyDecided
        """
        with self._database.read() as work:
            names = _require_request(work.system_requests.get(request_id)).new_hosts
        # Asked outside the transaction: a name server may take its time.
        found = self._host_names.addresses(names)
        with self._deciding(actor, "system_request.host_names_checked", request_id) as (work, request):
            actor.require(Permission.APPROVE_HOST_NAMES)
            require_another_checks(request, actor.uid)
            check = HostNamesCheck(actor.uid, role_profile_of(actor), work.now, dict(found))
            work.audit.details(found={name: list(each) for name, each in found.items()})
            work.system_requests.save(replace(request, hosts_checked=check))

    def approve(self, actor: Actor, request_id: str, note: str) -> str:
        """Do what was asked; returns the system's ASID.

        Raises:
            NotPermitted and its kinds, NotFound, SystemRequestAlreadyDecided, HostNamesNotChecked,
            SystemInOtherState, InvalidInput: it cannot be registered any more as it was asked.
        """
        with self._deciding(actor, "system_request.approved", request_id) as (work, request):
            actor.require(Permission.APPROVE_SYSTEM)
            require_another_decides(request, actor.uid)
            require_hosts_checked(request)
            approved = decided(work, actor, request, SystemRequestStatus.APPROVED, note)
            asid = self._carry_out(work, approved)
            work.system_requests.save(replace(approved, asid=asid))
            work.audit.details(**_signatures(approved), systems=[asid])
            return asid

    def approve_batch(self, actor: Actor, batch: str) -> list[tuple[SystemRequest, str]]:
        """Approve everything of a list that can be; returns each that could not, and why.

        Raises:
            NotPermitted and its kinds, NotFound, Unavailable
        """
        return self._each_of(batch, lambda request: self.approve(actor, request.id, ""))

    def check_host_names_of_batch(self, actor: Actor, batch: str) -> list[tuple[SystemRequest, str]]:
        """Record the check of every host name of a list; returns each request that could not be, and why.

        Raises:
            NotPermitted and its kinds, NotFound, Unavailable
        """
        return self._each_of(
            batch,
            lambda request: self.check_host_names(actor, request.id) if _is_unchecked(request) else None,
        )

    def reject(self, actor: Actor, request_id: str, reason: str) -> None:
        """Close the request without doing anything; whoever checks host names may, too.

        Raises:
            NotPermitted and its kinds, NotFound, SystemRequestAlreadyDecided, InvalidInput
        """
        with self._deciding(actor, "system_request.rejected", request_id) as (work, request):
            if Permission.APPROVE_HOST_NAMES not in actor.permissions:
                actor.require(Permission.APPROVE_SYSTEM)
            require_another_decides(request, actor.uid)
            if not reason.strip():
                raise InvalidInput({"reason": "Say why you reject the request. The one who asked reads it."})
            work.audit.details(reason_given=reason.strip()[:200])
            work.system_requests.save(decided(work, actor, request, SystemRequestStatus.REJECTED, reason))

    def _each_of(self, batch: str, do: Callable[[SystemRequest], object]) -> list[tuple[SystemRequest, str]]:
        with self._database.read() as work:
            requests = work.system_requests.of_batch(batch)
        if not requests:
            raise NotFound("There is no such list.")
        refused = []
        for request in (each for each in requests if each.status is SystemRequestStatus.OPEN):
            try:
                do(request)
            except Refusal as refusal:
                refused.append((request, str(refusal)))
        return refused

    @contextmanager
    def _deciding(self, actor: Actor, event: str, request_id: str) -> Iterator[tuple[Work, SystemRequest]]:
        with self._database.audited(actor, event, request_id, request=request_id) as work:
            request = _require_request(work.system_requests.get_to_decide(request_id))
            work.audit.details(kind=request.kind.value, organisation=request.organisation_code)
            self._scope.require(work, actor, request.organisation_code)
            yield work, request

    def _carry_out(self, work: Work, request: SystemRequest) -> str:
        if request.kind is SystemRequestKind.REGISTER:
            return self._register(work, request)
        assert request.asid is not None, "only a registration is about no system yet"
        if request.kind is SystemRequestKind.CHANGE:
            self._change(work, request, request.asid)
        else:
            _move(work, request, request.asid)
        return request.asid

    def _register(self, work: Work, request: SystemRequest) -> str:
        details = self._usable(request)
        require_open_organisation(work, details.organisation)
        if work.systems.accredited_system_of(details.organisation, details.product) is not None:
            raise SystemInOtherState("This product was registered there meanwhile. Reject the request.")
        return register_system(work, details, _four_eyes(request), _dns(request)).asid

    def _change(self, work: Work, request: SystemRequest, asid: str) -> None:
        system = require_system(work, asid)
        require_state(system, SystemStatus.ACTIVE, SystemStatus.SUSPENDED)
        change_system(work, system, self._usable(request), _four_eyes(request), _dns(request))

    def _usable(self, request: SystemRequest) -> SystemDetails:
        assert request.details is not None, "registrations and changes have details"
        require_usable(request.details, self._interactions)
        return request.details


def _move(work: Work, request: SystemRequest, asid: str) -> None:
    system = require_system(work, asid)
    if request.kind is SystemRequestKind.RESUME:
        require_state(system, SystemStatus.SUSPENDED)
        move_system(work, system, SystemStatus.ACTIVE)
    elif request.kind is SystemRequestKind.WITHDRAW:
        require_state(system, SystemStatus.ACTIVE, SystemStatus.SUSPENDED)
        move_system(work, system, SystemStatus.CLOSED)
        revoke_system_certificates(work, asid, request.decided_by or "")
    else:
        # The certificate authority's operator issues it: ``app/ra/certifying_systems.py``.
        require_state(system, SystemStatus.ACTIVE)


def _require_request(request: SystemRequest | None) -> SystemRequest:
    if request is None:
        raise NotFound("There is no such request.")
    return request


def _is_unchecked(request: SystemRequest) -> bool:
    return bool(request.new_hosts) and request.hosts_checked is None


def decided(
    work: Work, actor: Actor, request: SystemRequest, status: SystemRequestStatus, note: str
) -> SystemRequest:
    """The request with its decision."""
    return replace(
        request,
        status=status,
        decided_by=actor.uid,
        decided_role_profile=role_profile_of(actor),
        decided_at=work.now,
        decision_note=note.strip()[:_LONGEST_NOTE],
    )


def _signatures(request: SystemRequest) -> dict[str, str]:
    assert request.decided_role_profile is not None
    return {"requested_by": request.requested_role_profile, "approved_by": request.decided_role_profile}


def _four_eyes(request: SystemRequest) -> FourEyes:
    assert request.decided_role_profile is not None
    assert request.decided_at is not None
    return FourEyes(
        request.requested_role_profile,
        request.requested_at,
        request.decided_role_profile,
        request.decided_at,
    )


def _dns(request: SystemRequest) -> DnsApproval | None:
    checked = request.hosts_checked
    return DnsApproval(checked.role_profile, checked.at) if checked else None
