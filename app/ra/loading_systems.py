"""Registering systems from a list: accredited systems and the endpoints of their message handling systems.

Each registration is asked for in one role profile and approved in another, and recorded as an event of its
own. A system that is registered already is left as it is, so the same list can be given again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from app.domain.actor import Actor
from app.domain.system import FourEyes
from app.domain.system_details import Endpoint, SystemDetails, require_usable
from app.errors import InvalidInput
from app.ra import importing_ports as ports
from app.ra.registering_systems import accredited_system, announce, message_handling_system


class Database(ports.Database, Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[ports.Work]:
        """A read-only snapshot."""


@dataclass(frozen=True)
class Signatories:
    """The role profiles, by id, of who asks for the systems and of who approves them."""

    requested_by: str
    approved_by: str


class LoadingSystems:
    """Registers systems.

    Args:
        interactions: every interaction id that there is.
    """

    def __init__(self, database: Database, interactions: Collection[str]) -> None:
        self._database = database
        self._interactions = interactions

    def run(self, actor: Actor, systems: Sequence[SystemDetails], signatories: Signatories) -> list[str]:
        """Register those that are not registered yet; answers the ids of the new ones.

        Raises:
            InvalidInput: one names an unknown organisation or interaction; those before it are registered.
            ApprovedByRequester
            Unavailable
        """
        registered: list[str] = []
        for system in systems:
            party_key = self._accredited(actor, system, signatories, registered)
            for endpoint in system.endpoint:
                self._endpoint(actor, system, endpoint, party_key, signatories, registered)
        return registered

    def _accredited(
        self, actor: Actor, system: SystemDetails, signatories: Signatories, registered: list[str]
    ) -> str:
        with self._database.read() as work:
            known = work.systems.accredited_system_of(system.organisation, system.product)
        if known:
            return known.party_key
        with self._audited(actor, "nhsAs", system, signatories) as work:
            self._require_known(work, system)
            new = accredited_system(work.sequences, system, _four_eyes(work, signatories))
            work.systems.add(new)
            _announce(work, new.asid)
        registered.append(new.asid)
        return new.party_key

    def _endpoint(
        self,
        actor: Actor,
        system: SystemDetails,
        endpoint: Endpoint,
        party_key: str,
        signatories: Signatories,
        registered: list[str],
    ) -> None:
        with self._database.read() as work:
            if work.systems.message_handling_system_of(party_key, endpoint.interaction):
                return
        with self._audited(actor, "nhsMhs", system, signatories) as work:
            require_usable(system, self._interactions)
            new = message_handling_system(
                work.sequences, system, endpoint, party_key, _four_eyes(work, signatories)
            )
            work.systems.add_message_handling_system(new)
            _announce(work, new.id)
        registered.append(new.id)

    def _audited(
        self, actor: Actor, kind: str, system: SystemDetails, signatories: Signatories
    ) -> AbstractContextManager[ports.Work]:
        return self._database.audited(
            actor,
            "system.registered",
            system.product,
            kind=kind,
            organisation_code=system.organisation,
            requested_by=signatories.requested_by,
            approved_by=signatories.approved_by,
        )

    def _require_known(self, work: ports.Work, system: SystemDetails) -> None:
        require_usable(system, self._interactions)
        if not work.organisations.known({system.organisation}):
            raise InvalidInput(
                {"organisation": f"There is no organisation {system.organisation}. Import it first."}
            )


def _four_eyes(work: ports.Work, signatories: Signatories) -> FourEyes:
    return FourEyes(signatories.requested_by, work.now, signatories.approved_by, work.now)


def _announce(work: ports.Work, identifier: str) -> None:
    work.audit.details(id=identifier)
    announce(work.outbox, identifier)
