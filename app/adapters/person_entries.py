"""From the database to the directory's entries of people.

One person is read by the same few queries as hundreds, and the same code makes the entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.domain.person import PersonStatus
from app.domain.professional_registration import ProfessionalBody
from app.domain.rbac import JobRole, NationalRoles
from app.storage.published_people import PublishedPerson, PublishedPlace, PublishedProfile
from app.storage.work import Work
from directory.entries import paired
from directory.people import OrgPersonEntry, PersonEntry, RoleEntry

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
    return next(person_entries(work, [uid]), None)


def person_entries(work: Work, uids: Sequence[str]) -> Iterator[PersonEntry]:
    """The people with these ids, at most 400; who is not known is left out."""
    found = work.published_people.of(uids)
    codes = {place.organisation_code for person in found for place in person.places}
    return _Making(work, work.organisations.names(codes)).entries(found)


def all_person_entries(work: Work) -> Iterator[PersonEntry]:
    """Everybody, in order of their ids."""
    making = _Making(work, work.organisations.all_names())
    for some in work.published_people.batches():
        yield from making.entries(some)


class _Making:
    """Makes entries of people.

    What many people have in common (a job role with the same activities) is worked out once.

    Args:
        organisation_names: name of each organisation's code.
    """

    def __init__(self, work: Work, organisation_names: Mapping[str, str]) -> None:
        self._today = work.now.date()
        self._work = work
        self._names = organisation_names
        self._rights: dict[tuple[str, tuple[str, ...]], _Rights] = {}

    def entries(self, people: Sequence[PublishedPerson]) -> Iterator[PersonEntry]:
        return map(self._person, people)

    def _person(self, person: PublishedPerson) -> PersonEntry:
        return PersonEntry(
            person.uid,
            cn=" ".join(f"{person.family_name} {person.given_name} {person.title}".split()),
            sn=person.family_name,
            on_day=self._today,
            given_name=person.given_name,
            middle_names=person.middle_names,
            title=person.title,
            active=person.status is PersonStatus.ACTIVE,
            professional_numbers={NUMBER_ATTRIBUTES[each.body]: each.number for each in person.registrations},
            org_persons=self._places(person),
        )

    def _places(self, person: PublishedPerson) -> tuple[OrgPersonEntry, ...]:
        return tuple([self._place(place) for place in person.places if place.opened_on <= self._today])

    def _place(self, place: PublishedPlace) -> OrgPersonEntry:
        return OrgPersonEntry(
            place.id,
            place.organisation_code,
            self._names.get(place.organisation_code, ""),
            place.opened_on,
            _day_after(place.closed_on),
            tuple([self._role(profile) for profile in place.profiles if profile.starts_on <= self._today]),
        )

    def _role(self, profile: PublishedProfile) -> RoleEntry:
        key = (profile.job_role_code, profile.activity_codes)
        rights = self._rights.get(key)
        if rights is None:
            rights = self._rights[key] = _Rights.of(self._work.rbac.current(), *key)
        return RoleEntry(
            profile.id,
            *rights.job_role,
            activities=rights.activities,
            workgroups=tuple([("", workgroup) for workgroup in profile.workgroups]),
            resolved_activities=rights.resolved,
            opened_on=profile.starts_on,
            closed_on=_first_day_without(profile),
        )


@dataclass(frozen=True)
class _Rights:
    """What a job role with additional activities is called and gives, by the national tables."""

    job_role: tuple[str, str, str]
    activities: tuple[tuple[str, str], ...]
    resolved: tuple[str, ...]

    @classmethod
    def of(cls, national: NationalRoles, job_role_code: str, activity_codes: tuple[str, ...]) -> _Rights:
        unknown = JobRole(job_role_code, "", CURRENT, "")
        job_role = national.job_roles.get(job_role_code, unknown)
        return cls(
            (job_role.full_code, job_role.full_name, paired(job_role.code, job_role.name)),
            tuple((code, _activity_name(code, national)) for code in activity_codes),
            national.resolve(job_role_code, activity_codes),
        )


def _activity_name(code: str, national: NationalRoles) -> str:
    activity = national.activities.get(code)
    return activity.name if activity else ""


def _first_day_without(profile: PublishedProfile) -> date | None:
    """The database keeps the last day of a role, the directory the first day without it."""
    after_end = _day_after(profile.ends_on)
    if profile.withdrawn_at is None:
        return after_end
    withdrawn_on = profile.withdrawn_at.date()
    return withdrawn_on if after_end is None else min(withdrawn_on, after_end)


def _day_after(day: date | None) -> date | None:
    return None if day is None else day + timedelta(days=1)
