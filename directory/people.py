"""A person's three levels: nhsPerson, nhsOrgPerson for each organisation, nhsOrgPersonRole for each role
profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from directory import names
from directory.entries import NOT_KNOWN, Given, Record, cleaned, common, day, paired
from directory.ldif import Attributes, Common

ACTIVE = "1"
INACTIVE = "0"
"""nhsPersonStatus: 1 is active, anything else is inactive."""

NO_END = "99991231235959Z"
"""spineEnd of what has no end set, so that one filter serves whether there is one or not."""

_Coded = tuple[tuple[str, str], ...]
"""Code and name of each."""


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
    activities: _Coded = ()
    areas_of_work: _Coded = ()
    workgroups: _Coded = ()
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
        own, name = self.dn, common(self._name())
        yield Record(
            own, _PERSON, {"uid": (self.uid,)}, _standing(self.active, self.title), name, self._own()
        )
        for org_person in self.org_persons:
            yield from self._place(own, org_person, name)

    def _name(self) -> Given:
        return {
            "cn": self.cn,
            "sn": self.sn,
            "givenName": self.given_name,
            "nhsMiddleNames": self.middle_names,
        }

    def _own(self) -> Attributes:
        access, numbers = self.access, self.professional_numbers
        held = {"spineAccess": access} if access else {}
        return held | cleaned(numbers) if numbers else held

    def _place(self, own: str, place: OrgPersonEntry, name: Common) -> Iterator[Record]:
        dn = names.numbered_child_dn(place.id, "org-person id", own)
        ids = {"uniqueIdentifier": (place.id,), "uid": (self.uid,)}
        organisation = (place.organisation_code, place.organisation_name)
        held = _job_roles(tuple(role.job_role_name for role in place.roles))
        period = _period(place.opened_on, place.closed_on)
        yield Record(dn, _ORG_PERSON, ids, _employer(*organisation), held, name, period)
        workplace = _workplace(*organisation)
        for role in place.roles:
            yield self._role(dn, workplace, role)

    def _role(self, place_dn: str, workplace: Common, role: RoleEntry) -> Record:
        dn = names.numbered_child_dn(role.id, "role profile id", place_dn)
        resolved = role.resolved_activities if self.active else ()
        job_role = (role.job_role_name, role.job_role_code, role.job_role_pair)
        rights = _rights(*job_role, resolved, role.activities, role.areas_of_work, role.workgroups)
        period = _period(role.opened_on, role.closed_on)
        return Record(dn, _ROLE, {"uniqueIdentifier": (role.id,)}, workplace, rights, period)


# What follows is the same for many people, and a rebuild makes millions of records.
_ORGANISATIONS, _KINDS_OF_RIGHTS, _PERIODS = 1 << 14, 1 << 12, 1 << 13
_AS_PERSON = ("top", "person", "organizationalPerson", "inetOrgPerson")
_PERSON = common({"objectClass": (*_AS_PERSON, "nhsPerson", "spinePerson")})
_ORG_PERSON = common({"objectClass": (*_AS_PERSON, "nhsOrgPerson", "spinePeriod")})
_ROLE = common({"objectClass": ("top", "nhsOrgPersonRole", "spineRole")})


@lru_cache
def _standing(active: bool, title: str) -> Common:
    return common({"nhsPersonStatus": ACTIVE if active else INACTIVE, "personalTitle": title})


@lru_cache(_ORGANISATIONS)
def _employer(code: str, name: str) -> Common:
    return common({"nhsIDCode": code, "o": name or NOT_KNOWN})


@lru_cache(_ORGANISATIONS)
def _workplace(code: str, name: str) -> Common:
    return common({"nhsIDCode": code, "spineOrganisation": paired(code, name)})


@lru_cache(_KINDS_OF_RIGHTS)
def _job_roles(job_role_names: tuple[str, ...]) -> Common:
    # Clients split the value at colons and show the third part: a plain name must not stand here.
    return common({"nhsRoles": [name for name in job_role_names if name.count(":") == 2]})


@lru_cache(_KINDS_OF_RIGHTS)
def _rights(
    job_role_name: str,
    job_role_code: str,
    job_role_pair: str,
    resolved: tuple[str, ...],
    activities: _Coded,
    areas_of_work: _Coded,
    workgroups: _Coded,
) -> Common:
    return common(
        {
            "nhsJobRole": job_role_name or NOT_KNOWN,
            "nhsJobRoleCode": job_role_code,
            "spineJobRole": job_role_pair,
            "spineResolvedActivity": sorted(resolved),
            **_coded("nhsBusinessFunctions", "spineActivity", activities),
            **_coded("nhsAreaOfWork", "spineAreaOfWork", areas_of_work),
            **_coded("nhsWorkGroups", "spineWorkgroup", workgroups),
        }
    )


def _coded(published: str, ours: str, pairs: _Coded) -> Given:
    """Names and codes in the two published attributes, and paired in our one."""
    return {
        published: [name for _, name in pairs],
        f"{published}Codes": [code for code, _ in pairs],
        ours: [paired(code, name) for code, name in pairs],
    }


@lru_cache(_PERIODS)
def _period(opened_on: date | None, closed_on: date | None) -> Common:
    return common(
        {
            "nhsOrgOpenDate": day(opened_on),
            "nhsOrgCloseDate": day(closed_on),
            "spineStart": generalized_time(opened_on, "00010101000000Z"),
            "spineEnd": generalized_time(closed_on, NO_END),
        }
    )
