"""From the database to directory entries: what of people, organisations, systems and codes others may see.

Never published: dates of birth, documents, private e-mail and mobile, photos. A role is published from the
day it starts, because clients look at the end date only; one that has ended stays, with its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import chain

from app.domain.organisation import Organisation
from app.domain.person import PersonStatus
from app.domain.professional_registration import ProfessionalBody
from app.domain.rbac import JobRole, NationalRoles
from app.domain.role_profile import OrganisationPerson, RoleProfile
from app.domain.system import AccreditedSystem, FourEyes, MessageHandlingSystem, SystemStatus
from app.storage.work import Work
from directory import names
from directory.entries import Entry, OrganisationEntry, paired
from directory.people import OrgPersonEntry, PersonEntry, RoleEntry
from directory.reference_data import ActivityEntry, CodeInList, JobRoleEntry
from directory.services import (
    SYSTEM_APPROVER,
    AccreditedSystemEntry,
    Approval,
    MessageHandlingSystemEntry,
)

GP_PRACTICE = "PR"
CURRENT, RETIRED = "current", "retired"

NUMBER_ATTRIBUTES: Mapping[ProfessionalBody, str] = {
    ProfessionalBody.GMC: "nhsGMC",
    ProfessionalBody.GMP: "nhsGMP",
    ProfessionalBody.GDC: "nhsGDC",
    ProfessionalBody.GDP: "nhsGDP",
    ProfessionalBody.NMC: "nhsNMC",
    ProfessionalBody.RCN: "nhsRCN",
    ProfessionalBody.GPHC: "nhsRPSGB",
    ProfessionalBody.CONSULTANT: "nhsConsultant",
    ProfessionalBody.OCSPR: "nhsOCSPRCode",
}
"""Where each body's number is published. Pharmacists' numbers stand where those of the former society
stood.
"""


def person_entry(work: Work, uid: str) -> PersonEntry | None:
    """The person as the directory should show them today; None when there is no such person."""
    person = work.people.get(uid)
    if person is None:
        return None
    numbers = {NUMBER_ATTRIBUTES[each.body]: each.number for each in work.people.registrations(uid)}
    return PersonEntry(
        uid,
        cn=" ".join(f"{person.family_name} {person.given_name} {person.title}".split()),
        sn=person.family_name,
        on_day=work.now.date(),
        given_name=person.given_name,
        middle_names=person.middle_names,
        title=person.title,
        active=person.status is PersonStatus.ACTIVE,
        professional_numbers=numbers,
        org_persons=_places(work, uid),
    )


def organisation_entry(work: Work, code: str) -> OrganisationEntry | None:
    """The organisation with this ODS code; None when there is none."""
    organisation = work.organisations.get(code)
    return _organisation(organisation) if organisation else None


def system_entry(work: Work, identifier: str) -> AccreditedSystemEntry | MessageHandlingSystemEntry | None:
    """The system with this ASID or MHS id; None when there is none or it takes part no more."""
    accredited = work.systems.accredited_system(identifier)
    if accredited is not None:
        return _accredited(work, accredited) if accredited.status is SystemStatus.ACTIVE else None
    handling = work.systems.message_handling_system(identifier)
    if handling is None or handling.status is not SystemStatus.ACTIVE:
        return None
    return _message_handling(work, handling)


def reference_entries(work: Work) -> Iterator[JobRoleEntry | ActivityEntry]:
    """The job roles and activities in force today."""
    national = work.rbac.current()
    for role in national.job_roles.values():
        yield _job_role(role, national.effective_from)
    for activity in national.activities.values():
        yield ActivityEntry(activity.code, activity.name, CURRENT, national.effective_from)


def all_entries(work: Work) -> Iterator[Entry]:
    """Everything that the directory should hold, read little by little from one snapshot."""
    systems = work.systems
    yield from map(_organisation, work.organisations.each())
    identifiers = chain(
        (each.asid for each in systems.all_accredited_systems()),
        (each.id for each in systems.all_message_handling_systems()),
    )
    yield from filter(None, (system_entry(work, identifier) for identifier in identifiers))
    yield from reference_entries(work)
    yield from filter(None, (person_entry(work, uid) for uid in work.people.each_uid()))


def _places(work: Work, uid: str) -> tuple[OrgPersonEntry, ...]:
    today = work.now.date()
    places = [place for place in work.role_profiles.organisation_persons(uid) if place.opened_on <= today]
    profiles = [profile for profile in work.role_profiles.of(uid) if profile.starts_on <= today]
    if not places:
        return ()
    known = work.organisations.names([place.organisation_code for place in places])
    national = work.rbac.current()
    return tuple(
        _place(place, known.get(place.organisation_code, ""), profiles, national) for place in places
    )


def _place(
    place: OrganisationPerson, name: str, profiles: list[RoleProfile], national: NationalRoles
) -> OrgPersonEntry:
    here = (profile for profile in profiles if profile.organisation_person_id == place.id)
    return OrgPersonEntry(
        place.id,
        place.organisation_code,
        name,
        place.opened_on,
        _day_after(place.closed_on),
        tuple(_role(profile, national) for profile in here),
    )


def _role(profile: RoleProfile, national: NationalRoles) -> RoleEntry:
    unknown = JobRole(profile.job_role_code, "", CURRENT, "")
    job_role = national.job_roles.get(profile.job_role_code, unknown)
    return RoleEntry(
        profile.id,
        job_role.full_code,
        job_role.full_name,
        paired(job_role.code, job_role.name),
        activities=tuple((code, _activity_name(code, national)) for code in profile.activity_codes),
        workgroups=tuple(("", workgroup) for workgroup in profile.workgroups),
        resolved_activities=national.resolve(profile.job_role_code, profile.activity_codes),
        opened_on=profile.starts_on,
        closed_on=_first_day_without(profile),
    )


def _activity_name(code: str, national: NationalRoles) -> str:
    activity = national.activities.get(code)
    return activity.name if activity else ""


def _first_day_without(profile: RoleProfile) -> date | None:
    """The database keeps the last day of a role, the directory the first day without it."""
    after_end = _day_after(profile.ends_on)
    if profile.withdrawn_at is None:
        return after_end
    withdrawn_on = profile.withdrawn_at.date()
    return withdrawn_on if after_end is None else min(withdrawn_on, after_end)


def _day_after(day: date | None) -> date | None:
    return None if day is None else day + timedelta(days=1)


def _organisation(organisation: Organisation) -> OrganisationEntry:
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
    )


def _accredited(work: Work, system: AccreditedSystem) -> AccreditedSystemEntry:
    return AccreditedSystemEntry(
        system.asid,
        system.organisation_code,
        system.party_key,
        system.interactions,
        _approval(work, system.approval),
        client_organisation_code=system.organisation_code,
        manufacturer_code=system.manufacturer_code,
        product_name=system.product,
        product_version=system.product_version,
        description=system.description,
    )


def _message_handling(work: Work, system: MessageHandlingSystem) -> MessageHandlingSystemEntry:
    return MessageHandlingSystemEntry(
        system.id,
        system.organisation_code,
        system.party_key,
        system.interaction,
        system.endpoint,
        system.fqdn,
        _approval(work, system.approval),
        interaction_type=system.interaction_type,
        manufacturer_code=system.manufacturer_code,
        product_name=system.product,
        **system.reliability,
    )


def _approval(work: Work, approval: FourEyes) -> Approval:
    return Approval(
        approval.requested_at,
        approval.approved_at,
        _role_profile_dn(work, approval.requested_by),
        _role_profile_dn(work, approval.approved_by),
    )


def _role_profile_dn(work: Work, role_profile_id: str) -> str:
    """The DN of the role profile that asked or approved; ``System`` when no person did."""
    profile = work.role_profiles.get(role_profile_id)
    if profile is None:
        return SYSTEM_APPROVER
    return names.role_dn(profile.uid, profile.organisation_person_id, profile.id)


def _job_role(role: JobRole, created_on: date) -> JobRoleEntry:
    codes = role.three_part_code.split(":")
    titles = [part.strip('"') for part in role.three_part_name.split(":")]
    if len(codes) == len(titles) == 3:
        groups = [CodeInList(code, title) for code, title in zip(codes, titles, strict=True)]
    else:
        groups = [CodeInList(name=role.staff_group), CodeInList()]
    status = CURRENT if role.is_current else RETIRED
    return JobRoleEntry(role.code, role.name, status, created_on, groups[0], groups[1])
