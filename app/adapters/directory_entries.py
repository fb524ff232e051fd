"""From the database to directory entries: what of people, organisations, systems and codes others may see.

Never published: dates of birth, documents, private e-mail and mobile, photos. A role is published from the
day it starts, because clients look at the end date only; one that has ended stays, with its end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from app.adapters.code_list_entries import code_list_entries, work_group_entries
from app.adapters.person_entries import all_person_entries
from app.domain.organisation import Organisation
from app.domain.system import AccreditedSystem, FourEyes, MessageHandlingSystem, SystemStatus
from app.storage.work import Work
from directory import names
from directory.entries import Entry, OrganisationEntry
from directory.services import (
    SYSTEM_APPROVER,
    AccreditedSystemEntry,
    Approval,
    FollowersEntry,
    MessageHandlingSystemEntry,
)

GP_PRACTICE = "PR"

_Signers = Mapping[str, str]
"""DN of a role profile by its id."""


def organisation_entry(work: Work, code: str) -> OrganisationEntry | None:
    """The organisation with this ODS code; None when there is none."""
    organisation = work.organisations.get(code)
    if organisation is None:
        return None
    parent = work.organisations.get(organisation.parent_code or "") if organisation.is_site else None
    return _organisation(organisation, parent.code if parent and not parent.is_site else "")


def system_entry(work: Work, identifier: str) -> AccreditedSystemEntry | MessageHandlingSystemEntry | None:
    """The system with this ASID or MHS id; None when there is none or it takes part no more."""
    accredited = work.systems.accredited_system(identifier)
    if accredited is not None:
        return next(_accredited_systems(work, [accredited]), None)
    handling = work.systems.message_handling_system(identifier)
    return next(_message_handling_systems(work, [handling]), None) if handling else None


def followers_entry(work: Work) -> FollowersEntry:
    """Which systems may follow changes."""
    return FollowersEntry(tuple(work.systems.followers()))


def reference_entries(work: Work, organisation_code: str = "") -> Iterator[Entry]:
    """The code lists in force today; with an ODS code the work groups of that organisation alone."""
    if organisation_code:
        yield from work_group_entries(work, organisation_code)
    else:
        yield from code_list_entries(work)
        yield from work_group_entries(work)


def all_entries(work: Work) -> Iterator[Entry]:
    """Everything that the directory should hold, read little by little from one snapshot."""
    yield from _organisations_and_sites(work)
    yield from _accredited_systems(work, work.systems.all_accredited_systems())
    yield from _message_handling_systems(work, work.systems.all_message_handling_systems())
    yield followers_entry(work)
    yield from reference_entries(work)
    yield from all_person_entries(work)


def _organisations_and_sites(work: Work) -> Iterator[OrganisationEntry]:
    """Organisations, then sites below those that are known: a parent stands before its children."""
    known = set()
    for each in work.organisations.each():
        if not each.is_site:
            known.add(each.code)
            yield _organisation(each)
    for each in work.organisations.each():
        if each.is_site:
            yield _organisation(each, (each.parent_code or "") if each.parent_code in known else "")


def _organisation(organisation: Organisation, site_of: str = "") -> OrganisationEntry:
    is_practice = organisation.kind_code == GP_PRACTICE
    return OrganisationEntry(
        organisation.code,
        organisation.name,
        organisation.kind,
        organisation.kind_code,
        address=organisation.address,
        town=organisation.town,
        postcode=organisation.postcode,
        telephone=organisation.telephone,
        sub_type=organisation.sub_type,
        parent_code=organisation.parent_code or "",
        commissioner_code=(organisation.parent_code or "") if is_practice else "",
        national_grouping=organisation.national_grouping,
        health_geography=organisation.health_geography,
        opened_on=organisation.opened_on,
        closed_on=organisation.closed_on,
        joined_on=organisation.joined_on,
        left_on=organisation.left_on,
        successors=(organisation.successor_code,) if organisation.successor_code else (),
        is_site=organisation.is_site,
        site_of=site_of,
    )


def _accredited_systems(work: Work, systems: Sequence[AccreditedSystem]) -> Iterator[AccreditedSystemEntry]:
    signers = _signers(work, systems)
    passwords = work.system_passwords.of([each.asid for each in systems])
    locked_out = locked_out_systems(work, passwords)
    for each in systems:
        if each.status is SystemStatus.ACTIVE:
            reads = () if each.asid in locked_out else tuple(sorted(each.read_rights))
            entry = _accredited(each, signers)
            yield replace(entry, reads=reads, password=passwords.get(each.asid, ""))


def locked_out_systems(work: Work, with_password: Collection[str] | None = None) -> set[str]:
    """The ASIDs of systems that had certificates, of which none is good, and have no password.

    A connection that such a system still has open may read no more. One of which we made no certificate is
    left alone: another authority that slapd trusts may have made it.
    """
    passwords = work.system_passwords.of() if with_password is None else with_password
    return work.system_certificates.without_good_one(work.now) - set(passwords)


def _message_handling_systems(
    work: Work, systems: Sequence[MessageHandlingSystem]
) -> Iterator[MessageHandlingSystemEntry]:
    signers = _signers(work, systems)
    return (_message_handling(each, signers) for each in systems if each.status is SystemStatus.ACTIVE)


def _accredited(system: AccreditedSystem, signers: _Signers) -> AccreditedSystemEntry:
    return AccreditedSystemEntry(
        system.asid,
        system.organisation_code,
        system.party_key,
        system.interactions,
        _approval(system.approval, signers),
        client_organisation_code=system.organisation_code,
        manufacturer_code=system.manufacturer_code,
        product_name=system.product,
        product_version=system.product_version,
        description=system.description,
    )


def _message_handling(system: MessageHandlingSystem, signers: _Signers) -> MessageHandlingSystemEntry:
    return MessageHandlingSystemEntry(
        system.id,
        system.organisation_code,
        system.party_key,
        system.interaction,
        system.endpoint,
        system.fqdn,
        _approval(system.approval, signers),
        interaction_type=system.interaction_type,
        manufacturer_code=system.manufacturer_code,
        product_name=system.product,
        dns_approved_by=signers.get(system.dns.approved_by, SYSTEM_APPROVER) if system.dns else "",
        dns_approved_at=system.dns.approved_at if system.dns else None,
        **system.reliability,
    )


def _signers(work: Work, systems: Sequence[AccreditedSystem | MessageHandlingSystem]) -> _Signers:
    """The DN of each role profile that asked for or approved one of the systems, as far as it is known."""
    approvals = [system.approval for system in systems]
    asked_or_approved = {each.requested_by for each in approvals} | {each.approved_by for each in approvals}
    checks = [each.dns for each in systems if isinstance(each, MessageHandlingSystem) and each.dns]
    signers = asked_or_approved | {each.approved_by for each in checks}
    places = work.role_profiles.places(sorted(signers))
    return {role: names.role_dn(uid, place, role) for role, (uid, place) in places.items()}


def _approval(approval: FourEyes, signers: _Signers) -> Approval:
    """Who is no known role profile is published as ``System``."""
    return Approval(
        approval.requested_at,
        approval.approved_at,
        signers.get(approval.requested_by, SYSTEM_APPROVER),
        signers.get(approval.approved_by, SYSTEM_APPROVER),
    )
