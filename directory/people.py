"""A person's three levels: nhsPerson, nhsOrgPerson for each organisation, nhsOrgPersonRole for each role
profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from directory import names
from directory.entries import NOT_KNOWN, Record, day, paired, record

ACTIVE = "1"
INACTIVE = "0"
"""nhsPersonStatus: 1 is active, anything else is inactive."""

NO_END = "99991231235959Z"
"""spineEnd of what has no end set, so that one filter serves whether there is one or not."""


def generalized_time(when: date | None, otherwise: str) -> str:
    """The start of a day (UTC) as GeneralizedTime (RFC 4517 section 3.3.13); ``otherwise`` if None."""
    return otherwise if when is None else f"{day(when)}000000Z"


@dataclass(frozen=True)
class RoleEntry:
    """A role profile.

    Attributes:
        id: 12-digit role profile id.
        job_role_code: the three-part code ``S8000:G8000:R8003`` where it is known, else the last part alone.
        job_role_name: the three quoted names joined by colons where they are known, else the plain name.
        job_role_pair: short code, space, plain name: ``R8003 Health Professional Access Role``.
        activities: (code, name) of those granted in addition to the job role's baseline.
        resolved_activities: codes of all activities that the role satisfies, however it came by them.
        closed_on: the first day on which it is no longer held.
    """

    id: str
    job_role_code: str
    job_role_name: str
    job_role_pair: str = ""
    activities: tuple[tuple[str, str], ...] = ()
    areas_of_work: tuple[tuple[str, str], ...] = ()
    workgroups: tuple[tuple[str, str], ...] = ()
    resolved_activities: tuple[str, ...] = ()
    opened_on: date | None = None
    closed_on: date | None = None

    def is_current(self, on_day: date) -> bool:
        """Whether the role is held on that day."""
        return (self.opened_on is None or self.opened_on <= on_day) and (
            self.closed_on is None or on_day < self.closed_on
        )


@dataclass(frozen=True)
class OrgPersonEntry:
    """A person in one organisation, with the role profiles held there. ``id`` has 12 digits."""

    id: str
    organisation_code: str
    organisation_name: str
    opened_on: date | None = None
    closed_on: date | None = None
    roles: tuple[RoleEntry, ...] = ()


@dataclass(frozen=True)
class PersonEntry:
    """A person with everything published of them.

    Attributes:
        uid: 12-digit user id.
        cn: ``Surname Forename Title``.
        active: inactive people keep their entries and have no rights.
        professional_numbers: attribute name (``nhsGMC``) to number.
        on_day: the day for which ``spineAccess`` says what is held.
    """

    uid: str
    cn: str
    sn: str
    on_day: date
    given_name: str = ""
    middle_names: str = ""
    title: str = ""
    active: bool = True
    professional_numbers: Mapping[str, str] = field(default_factory=dict)
    org_persons: tuple[OrgPersonEntry, ...] = ()

    @property
    def dn(self) -> str:
        """``uid=<12 digits>,ou=People,o=nhs``."""
        return names.person_dn(self.uid)

    @property
    def owns_subtree(self) -> bool:
        """True: an org-person or role that is not among ``records()`` is removed."""
        return True

    @property
    def access(self) -> tuple[str, ...]:
        """The rights held on ``on_day``, each ``organisation:activity``."""
        held = {
            f"{org_person.organisation_code}:{activity}"
            for org_person in self.org_persons
            for role in org_person.roles
            if self.active and role.is_current(self.on_day)
            for activity in role.resolved_activities
        }
        return tuple(sorted(held))

    def records(self) -> Iterator[Record]:
        """The person's record, then each org-person's, each followed by its roles'."""
        own = self.dn
        yield record(own, self._attributes())
        for org_person in self.org_persons:
            place = names.numbered_child_dn(org_person.id, "org-person id", own)
            yield record(place, self._org_person_attributes(org_person))
            for role in org_person.roles:
                dn = names.numbered_child_dn(role.id, "role profile id", place)
                yield record(dn, self._role_attributes(org_person, role))

    def _attributes(self) -> dict[str, str | Iterable[str] | None]:
        return {
            "objectClass": (
                *("top", "person", "organizationalPerson", "inetOrgPerson"),
                *("nhsPerson", "spinePerson"),
            ),
            "uid": self.uid,
            "nhsPersonStatus": ACTIVE if self.active else INACTIVE,
            "personalTitle": self.title,
            "spineAccess": self.access,
            **self._name(),
            **self.professional_numbers,
        }

    def _name(self) -> dict[str, str | Iterable[str] | None]:
        return {
            "cn": self.cn,
            "sn": self.sn,
            "givenName": self.given_name,
            "nhsMiddleNames": self.middle_names,
        }

    def _org_person_attributes(self, org_person: OrgPersonEntry) -> dict[str, str | Iterable[str] | None]:
        return {
            "objectClass": (
                *("top", "person", "organizationalPerson", "inetOrgPerson"),
                *("nhsOrgPerson", "spinePeriod"),
            ),
            "uniqueIdentifier": org_person.id,
            "uid": self.uid,
            "nhsIDCode": org_person.organisation_code,
            "o": org_person.organisation_name or NOT_KNOWN,
            # Clients split the value at colons and show the third part: a plain name must not stand here.
            "nhsRoles": [
                role.job_role_name for role in org_person.roles if role.job_role_name.count(":") == 2
            ],
            **self._name(),
            **_period(org_person.opened_on, org_person.closed_on),
        }

    def _role_attributes(
        self, org_person: OrgPersonEntry, role: RoleEntry
    ) -> dict[str, str | Iterable[str] | None]:
        organisation = paired(org_person.organisation_code, org_person.organisation_name)
        return {
            "objectClass": ("top", "nhsOrgPersonRole", "spineRole"),
            "uniqueIdentifier": role.id,
            "nhsIDCode": org_person.organisation_code,
            "nhsJobRole": role.job_role_name or NOT_KNOWN,
            "nhsJobRoleCode": role.job_role_code,
            "spineJobRole": role.job_role_pair,
            "spineOrganisation": organisation,
            "spineResolvedActivity": sorted(role.resolved_activities) if self.active else (),
            **_coded("nhsBusinessFunctions", "spineActivity", role.activities),
            **_coded("nhsAreaOfWork", "spineAreaOfWork", role.areas_of_work),
            **_coded("nhsWorkGroups", "spineWorkgroup", role.workgroups),
            **_period(role.opened_on, role.closed_on),
        }


def _coded(
    published: str, ours: str, pairs: tuple[tuple[str, str], ...]
) -> dict[str, str | Iterable[str] | None]:
    """Names and codes in the two published attributes, and paired in our one."""
    return {
        published: [name for _, name in pairs],
        f"{published}Codes": [code for code, _ in pairs],
        ours: [paired(code, name) for code, name in pairs],
    }


def _period(opened_on: date | None, closed_on: date | None) -> dict[str, str | Iterable[str] | None]:
    return {
        "nhsOrgOpenDate": day(opened_on),
        "nhsOrgCloseDate": day(closed_on),
        "spineStart": generalized_time(opened_on, "00010101000000Z"),
        "spineEnd": generalized_time(closed_on, NO_END),
    }
