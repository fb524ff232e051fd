"""What an approved request does: systems and endpoints made, changed, suspended, resumed, closed.

Every function works in the transaction that it is given and announces what it changed to the directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.domain.system import (
    AccreditedSystem,
    DnsApproval,
    FourEyes,
    MessageHandlingSystem,
    SystemStatus,
)
from app.domain.system_details import Endpoint, SystemDetails
from app.ra.ports import Outbox, Work
from app.ra.repositories import Sequences

FIRST_ASID = 200_000_000_000
FIRST_CPA_ID = 100_000_000_000
FIRST_PARTY_NUMBER = 800_000


def accredited_system(sequences: Sequences, details: SystemDetails, approval: FourEyes) -> AccreditedSystem:
    """A new accredited system with an ASID and a party key of its own."""
    party_number = FIRST_PARTY_NUMBER + sequences.next("party_key")
    return AccreditedSystem(
        asid=str(FIRST_ASID + sequences.next("asid")),
        organisation_code=details.organisation,
        party_key=f"{details.organisation}-{party_number}",
        description=details.description,
        product=details.product,
        product_version=details.version,
        manufacturer_code=details.manufacturer,
        interactions=details.interactions,
        status=SystemStatus.ACTIVE,
        approval=approval,
        read_rights=details.reads,
    )


def message_handling_system(
    sequences: Sequences,
    details: SystemDetails,
    endpoint: Endpoint,
    party_key: str,
    approval: FourEyes,
    dns: DnsApproval | None = None,
) -> MessageHandlingSystem:
    """A new message handling system; its id is also its CPA id."""
    return MessageHandlingSystem(
        id=f"S{FIRST_CPA_ID + sequences.next('cpa_id')}",
        organisation_code=details.organisation,
        party_key=party_key,
        interaction=endpoint.interaction,
        interaction_type=endpoint.type,
        endpoint=endpoint.url,
        fqdn=endpoint.fqdn,
        product=details.product,
        manufacturer_code=details.manufacturer,
        reliability=given(endpoint.reliability),
        status=SystemStatus.ACTIVE,
        approval=approval,
        dns=dns,
    )


def given(reliability: Mapping[str, str]) -> dict[str, str]:
    """The members that have a value."""
    return {name: value for name, value in reliability.items() if value}


def endpoint_of(system: MessageHandlingSystem) -> Endpoint:
    """The registered endpoint as somebody would ask for it."""
    return Endpoint(system.interaction, system.interaction_type, system.endpoint, given(system.reliability))


def details_of(work: Work, system: AccreditedSystem) -> SystemDetails:
    """The registered system as somebody would ask for it."""
    endpoints = work.systems.endpoints_of(system.party_key)
    return SystemDetails(
        organisation=system.organisation_code,
        product=system.product,
        version=system.product_version,
        description=system.description,
        interactions=system.interactions,
        manufacturer=system.manufacturer_code,
        endpoint=tuple(map(endpoint_of, endpoints)),
        reads=system.read_rights,
    )


def new_endpoints(before: SystemDetails | None, after: SystemDetails) -> tuple[Endpoint, ...]:
    """The endpoints of ``after`` that are not in ``before`` exactly so: their host names must be checked."""
    known = {_key(each) for each in before.endpoint} if before else set()
    return tuple(each for each in after.endpoint if _key(each) not in known)


def _key(endpoint: Endpoint) -> tuple[str, str, str, tuple[tuple[str, str], ...]]:
    return (
        endpoint.interaction,
        endpoint.type,
        endpoint.url,
        tuple(sorted(given(endpoint.reliability).items())),
    )


def register_system(
    work: Work, details: SystemDetails, approval: FourEyes, dns: DnsApproval | None
) -> AccreditedSystem:
    """Register a system with its endpoints."""
    new = accredited_system(work.sequences, details, approval)
    work.systems.add(new)
    announce(work.outbox, new.asid)
    for endpoint in details.endpoint:
        _add_endpoint(work, details, endpoint, new.party_key, approval, dns)
    return new


def change_system(
    work: Work,
    system: AccreditedSystem,
    details: SystemDetails,
    approval: FourEyes,
    dns: DnsApproval | None,
) -> None:
    """Make the system and its endpoints what the details say; an endpoint that is left out is closed."""
    work.systems.save(
        replace(
            system,
            description=details.description,
            product=details.product,
            product_version=details.version,
            manufacturer_code=details.manufacturer,
            interactions=details.interactions,
            read_rights=details.reads,
            approval=approval,
        )
    )
    announce(work.outbox, system.asid)
    wanted = {each.interaction: each for each in details.endpoint}
    for known in work.systems.endpoints_of(system.party_key):
        _change_endpoint(work, known, details, wanted.pop(known.interaction, None), approval, dns)
    for endpoint in wanted.values():
        _add_endpoint(work, details, endpoint, system.party_key, approval, dns)


def _add_endpoint(
    work: Work,
    details: SystemDetails,
    endpoint: Endpoint,
    party_key: str,
    approval: FourEyes,
    dns: DnsApproval | None,
) -> None:
    new = message_handling_system(work.sequences, details, endpoint, party_key, approval, dns)
    work.systems.add_message_handling_system(new)
    announce(work.outbox, new.id)


def _change_endpoint(
    work: Work,
    known: MessageHandlingSystem,
    details: SystemDetails,
    wanted: Endpoint | None,
    approval: FourEyes,
    dns: DnsApproval | None,
) -> None:
    named = replace(known, product=details.product, manufacturer_code=details.manufacturer)
    if wanted is None:
        changed = replace(known, status=SystemStatus.CLOSED)
    elif _key(wanted) == _key(endpoint_of(known)):
        changed = named
    else:
        changed = replace(
            named,
            interaction_type=wanted.type,
            endpoint=wanted.url,
            fqdn=wanted.fqdn,
            reliability=given(wanted.reliability),
            approval=approval,
            dns=dns,
        )
    work.systems.save_message_handling_system(changed)
    announce(work.outbox, known.id)


def move_system(work: Work, system: AccreditedSystem, to: SystemStatus) -> None:
    """Suspend, resume or close a system together with its endpoints."""
    work.systems.save(replace(system, status=to))
    announce(work.outbox, system.asid)
    for endpoint in work.systems.endpoints_of(system.party_key):
        work.systems.save_message_handling_system(replace(endpoint, status=to))
        announce(work.outbox, endpoint.id)


def announce(outbox: Outbox, identifier: str) -> None:
    """Tell the directory to look at this system again."""
    outbox.add("directory.system", identifier)
