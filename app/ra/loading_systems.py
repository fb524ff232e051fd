"""Registering systems from a list: accredited systems and the endpoints of their message handling systems.

Each registration is asked for in one role profile and approved in another, and recorded as an event of its
own. A system that is registered already is left as it is, so the same list can be given again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from app.domain.actor import Actor
from app.domain.read_right import ENDPOINTS_ONLY, ReadRight, read_rights_from_untrusted
from app.domain.system import (
    INTERACTION,
    AccreditedSystem,
    FourEyes,
    MessageHandlingSystem,
    SystemStatus,
)
from app.errors import InvalidInput
from app.ra import importing_ports as ports

_FIRST_ASID = 200_000_000_000
_FIRST_CPA_ID = 100_000_000_000
_FIRST_PARTY_NUMBER = 800_000


class Database(ports.Database, Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[ports.Work]:
        """A read-only snapshot."""


@dataclass(frozen=True)
class Endpoint:
    """Where one interaction is reached. ``type`` is HL7, EBXML, FHIR or N/A."""

    interaction: str
    type: str
    url: str
    reliability: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SystemToRegister:
    """One system of the list, by its organisation's ODS code."""

    organisation: str
    product: str
    version: str
    description: str
    interactions: tuple[str, ...]
    manufacturer: str = ""
    endpoint: tuple[Endpoint, ...] = ()
    reads: frozenset[ReadRight] = ENDPOINTS_ONLY

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> SystemToRegister:
        """From a table of ``systems.toml``.

        Raises:
            InvalidInput: a key is missing or unknown, or there is no such read right.
        """
        reads = read_rights_from_untrusted(table.get("reads", ()))
        try:
            endpoints = tuple(Endpoint(**each) for each in table.get("endpoint", ()))
            interactions = tuple(table.get("interactions", ()))
            listed = {"interactions": interactions, "endpoint": endpoints, "reads": reads}
            return cls(**{**table, **listed})
        except TypeError as fault:
            raise InvalidInput({"system": f"A system of the list cannot be read: {fault}."}) from fault


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

    def run(self, actor: Actor, systems: Sequence[SystemToRegister], signatories: Signatories) -> list[str]:
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
        self, actor: Actor, system: SystemToRegister, signatories: Signatories, registered: list[str]
    ) -> str:
        with self._database.read() as work:
            known = work.systems.accredited_system_of(system.organisation, system.product)
        if known:
            return known.party_key
        with self._audited(actor, "nhsAs", system, signatories) as work:
            self._require_known(work, system)
            new = _accredited_system(work, system, _four_eyes(work, signatories))
            work.systems.add(new)
            _announce(work, new.asid)
        registered.append(new.asid)
        return new.party_key

    def _endpoint(
        self,
        actor: Actor,
        system: SystemToRegister,
        endpoint: Endpoint,
        party_key: str,
        signatories: Signatories,
        registered: list[str],
    ) -> None:
        with self._database.read() as work:
            if work.systems.message_handling_system_of(party_key, endpoint.interaction):
                return
        with self._audited(actor, "nhsMhs", system, signatories) as work:
            self._require_interactions((endpoint.interaction,))
            new = _message_handling_system(work, system, endpoint, party_key, _four_eyes(work, signatories))
            work.systems.add_message_handling_system(new)
            _announce(work, new.id)
        registered.append(new.id)

    def _audited(
        self, actor: Actor, kind: str, system: SystemToRegister, signatories: Signatories
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

    def _require_known(self, work: ports.Work, system: SystemToRegister) -> None:
        if not work.organisations.known({system.organisation}):
            raise InvalidInput(
                {"organisation": f"There is no organisation {system.organisation}. Import it first."}
            )
        self._require_interactions(system.interactions)

    def _require_interactions(self, interactions: Sequence[str]) -> None:
        for each in interactions:
            if each not in self._interactions or not INTERACTION.fullmatch(each):
                raise InvalidInput({"interactions": f"There is no interaction {each}. Check its spelling."})
        if not interactions:
            raise InvalidInput({"interactions": "Name at least one interaction."})


def _four_eyes(work: ports.Work, signatories: Signatories) -> FourEyes:
    return FourEyes(signatories.requested_by, work.now, signatories.approved_by, work.now)


def _announce(work: ports.Work, identifier: str) -> None:
    work.audit.details(id=identifier)
    work.outbox.add("directory.system", identifier)


def _accredited_system(work: ports.Work, system: SystemToRegister, approval: FourEyes) -> AccreditedSystem:
    party_number = _FIRST_PARTY_NUMBER + work.sequences.next("party_key")
    return AccreditedSystem(
        asid=str(_FIRST_ASID + work.sequences.next("asid")),
        organisation_code=system.organisation,
        party_key=f"{system.organisation}-{party_number}",
        description=system.description,
        product=system.product,
        product_version=system.version,
        manufacturer_code=system.manufacturer,
        interactions=system.interactions,
        status=SystemStatus.ACTIVE,
        approval=approval,
        read_rights=system.reads,
    )


def _message_handling_system(
    work: ports.Work, system: SystemToRegister, endpoint: Endpoint, party_key: str, approval: FourEyes
) -> MessageHandlingSystem:
    return MessageHandlingSystem(
        id=f"S{_FIRST_CPA_ID + work.sequences.next('cpa_id')}",
        organisation_code=system.organisation,
        party_key=party_key,
        interaction=endpoint.interaction,
        interaction_type=endpoint.type,
        endpoint=endpoint.url,
        fqdn=urlsplit(endpoint.url).hostname or "",
        product=system.product,
        manufacturer_code=system.manufacturer,
        reliability=dict(endpoint.reliability),
        status=SystemStatus.ACTIVE,
        approval=approval,
    )
