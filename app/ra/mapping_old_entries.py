"""From entries of the directory that is migrated from to this product's people, places and role profiles.

Identifiers are kept. Nothing is guessed that would give access: an unknown job role, an end that cannot be
read or an organisation that is not known refuses the entry. What is left out of one that is taken over is
told as a reduction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from app.domain.person import Assurance, Person, PersonStatus
from app.domain.professional_registration import NUMBER_FORMATS, ProfessionalBody, ProfessionalRegistration
from app.domain.rbac import NationalRoles
from app.domain.role_profile import OrganisationPerson, RoleProfile
from app.domain.uuid import check_digit_is_right
from app.ra.old_entries import NotMappable, OldEntry

REGISTERED_BY = "system:migration"
START_NOT_KNOWN = date(1900, 1, 1)
"""Where the old directory does not say since when: before everything."""

NUMBERS: Mapping[str, ProfessionalBody] = {
    "nhsgmc": ProfessionalBody.GMC,
    "nhsgmp": ProfessionalBody.GMP,
    "nhsgdc": ProfessionalBody.GDC,
    "nhsgdp": ProfessionalBody.GDP,
    "nhsnmc": ProfessionalBody.NMC,
    "nhsrcn": ProfessionalBody.RCN,
    "nhsrpsgb": ProfessionalBody.GPHC,
    "nhsconsultant": ProfessionalBody.CONSULTANT,
    "nhsocsprcode": ProfessionalBody.OCSPR,
}


@dataclass
class Reductions:
    """What was left out of entries that are taken over, in sentences."""

    said: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        self.said.append(sentence)


@dataclass(frozen=True)
class MigratedPerson:
    """A person with their numbers."""

    person: Person
    registrations: tuple[ProfessionalRegistration, ...]


@dataclass(frozen=True)
class PlaceOf:
    """Where a role profile hangs: the person's place in the organisation, and since when it is theirs."""

    id: str
    since: date


def person_of(entry: OldEntry, reductions: Reductions, now: datetime) -> MigratedPerson:
    """The person of an nhsPerson.

    Raises:
        NotMappable
    """
    uid = entry.twelve_digits("uid")
    if check_digit_is_right(uid) is False:
        reductions.note(f"The check digit of {uid} does not fit; it was taken over as it is.")
    given, family = entry.one("givenname", 100), entry.required("sn", 100)
    active = entry.one("nhspersonstatus") == "1"
    person = Person(
        *(uid, entry.one("personaltitle", 35), given, entry.one("nhsmiddlenames", 100), family),
        *(f"{given} {family}".strip()[:100], None, "", ""),
        PersonStatus.ACTIVE if active else PersonStatus.CLOSED,
        *(now, REGISTERED_BY, Assurance.MIGRATED),
    )
    return MigratedPerson(person, _registrations(entry, reductions))


def _registrations(entry: OldEntry, reductions: Reductions) -> tuple[ProfessionalRegistration, ...]:
    found = []
    for name, body in NUMBERS.items():
        number = "".join(entry.one(name).split()).upper()
        if number and NUMBER_FORMATS[body].pattern.fullmatch(number):
            found.append(ProfessionalRegistration(body, number))
        elif number:
            reductions.note(f"The number of {name} is not {NUMBER_FORMATS[body].example}; it was left out.")
    return tuple(found)


def place_of(entry: OldEntry, known_organisations: set[str]) -> OrganisationPerson:
    """The person's place of an nhsOrgPerson.

    Raises:
        NotMappable
    """
    uid = next((value for name, value in entry.rdns if name == "uid"), "")
    code = entry.required("nhsidcode").upper()
    if code not in known_organisations:
        raise NotMappable(f"There is no organisation {code}. Import it first, then import this again.")
    opened_on = entry.day("nhsorgopendate") or START_NOT_KNOWN
    closed_on = _last_day(entry.day("nhsorgclosedate"))
    identifier = entry.twelve_digits("uniqueidentifier")
    return OrganisationPerson(identifier, uid, code, opened_on, closed_on and max(closed_on, opened_on))


def role_of(
    entry: OldEntry,
    places: Mapping[tuple[str, str], PlaceOf],
    position_ids: Mapping[str, str],
    national: NationalRoles,
    reductions: Reductions,
) -> RoleProfile:
    """The role profile of an nhsOrgPersonRole.

    Args:
        places: by user id and organisation. A role hangs on the place at its own organisation, as clients
            join the two, wherever its entry stood.
        position_ids: the closed position of each organisation that carries what was taken over there.

    Raises:
        NotMappable
    """
    uid = next((value for name, value in entry.rdns if name == "uid"), "")
    code = entry.required("nhsidcode").upper()
    place = places.get((uid, code))
    if place is None:
        raise NotMappable(f"{uid or 'Nobody'} has no place in the organisation {code} that was taken over.")
    starts_on = entry.day("nhsorgopendate") or place.since
    ends_on, withdrawn_at = _end(starts_on, entry.day("nhsorgclosedate"))
    return RoleProfile(
        *(entry.twelve_digits("uniqueidentifier"), place.id, uid, code, position_ids[code]),
        _job_role_code(entry, national),
        _activity_codes(entry, national, reductions),
        _workgroups(entry, reductions),
        *(starts_on, ends_on, withdrawn_at),
    )


def _job_role_code(entry: OldEntry, national: NationalRoles) -> str:
    """The last part of ``S8000:G8000:R8003``."""
    code = entry.required("nhsjobrolecode").rpartition(":")[2].strip().upper()
    if code not in national.job_roles:
        raise NotMappable(
            f"There is no job role {code} in the national tables. Import a version that has it."
        )
    return code


def _activity_codes(entry: OldEntry, national: NationalRoles, reductions: Reductions) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(code.upper() for code in entry.all("nhsbusinessfunctionscodes")))
    for code in codes:
        if code not in national.activities:
            reductions.note(f"There is no activity {code} in the national tables; the role came without it.")
    return tuple(code for code in codes if code in national.activities)


def _workgroups(entry: OldEntry, reductions: Reductions) -> tuple[str, ...]:
    if entry.all("nhsareaofworkcodes") or entry.all("nhsareaofwork"):
        reductions.note("Areas of work are not kept; the role came without them.")
    return entry.all("nhsworkgroups") or entry.all("nhsworkgroupscodes")


def _end(starts_on: date, first_day_without: date | None) -> tuple[date | None, datetime | None]:
    """The last day, and when it was withdrawn: a role that ended on or before its first day was withdrawn."""
    if first_day_without is None or first_day_without > starts_on:
        return _last_day(first_day_without), None
    return None, datetime.combine(first_day_without, time(), UTC)


def _last_day(first_day_without: date | None) -> date | None:
    """The directory keeps the first day without, the database the last day with."""
    return None if first_day_without is None else first_day_without - timedelta(days=1)
