"""Reference data: the National RBAC Database's code lists (job roles, activities, areas of work, baselines),
work groups and their types, and lists of codes and names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from directory import names
from directory.entries import NOT_KNOWN, Record, day, record

WORK_GROUP_TYPE = "Team"


class _OneRecord:
    """An entry of one record."""

    @property
    def owns_subtree(self) -> bool:
        """True: nothing else stands below it."""
        return True


@dataclass(frozen=True)
class CodeInList:
    """One level of a three-level list: staff group, sub group, job role."""

    code: str = NOT_KNOWN
    name: str = NOT_KNOWN


@dataclass(frozen=True)
class JobRoleEntry(_OneRecord):
    """A job role. ``status`` is ``current`` or ``retired``; the two upper levels are published where
    known.
    """

    code: str
    name: str
    status: str
    created_on: date
    staff_group: CodeInList = CodeInList()
    sub_group: CodeInList = CodeInList()

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<R code>,ou=Job Roles,ou=ReferenceData,o=nhs``."""
        return names.child_dn("uniqueIdentifier", names.code(self.code, "job role code"), names.JOB_ROLES)

    def records(self) -> Iterator[Record]:
        """The job role's one record."""
        own = CodeInList(self.code, self.name or NOT_KNOWN)
        levels = (self.staff_group, self.sub_group, own)
        yield _code_record(self.dn, "nhsRBACJR", levels, self.status, self.created_on)


@dataclass(frozen=True)
class ActivityEntry(_OneRecord):
    """An activity (business function)."""

    code: str
    name: str
    status: str
    created_on: date

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<B code>,ou=Activities,ou=ReferenceData,o=nhs``."""
        return names.child_dn("uniqueIdentifier", names.code(self.code, "activity code"), names.ACTIVITIES)

    def records(self) -> Iterator[Record]:
        """The activity's one record."""
        levels = (CodeInList(), CodeInList(), CodeInList(self.code, self.name or NOT_KNOWN))
        yield _code_record(self.dn, "nhsRBACBF", levels, self.status, self.created_on)


@dataclass(frozen=True)
class AreaOfWorkEntry(_OneRecord):
    """An area of work by its three levels, e.g. ``P0020:Q0300:T0640``."""

    levels: tuple[CodeInList, CodeInList, CodeInList]
    status: str
    created_on: date

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<T code>,ou=Areas of Work,ou=ReferenceData,o=nhs``."""
        own = names.code(self.levels[2].code, "area of work code")
        return names.child_dn("uniqueIdentifier", own, names.AREAS_OF_WORK)

    def records(self) -> Iterator[Record]:
        """The area of work's one record."""
        yield _code_record(self.dn, "nhsRBACAoW", self.levels, self.status, self.created_on)


@dataclass(frozen=True)
class BaselineEntry(_OneRecord):
    """The activities that a job role carries by itself."""

    job_role_code: str
    full_code: str
    full_name: str
    activities: tuple[str, ...]
    created_on: date

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<R code>,ou=Baselines,ou=ReferenceData,o=nhs``."""
        own = names.code(self.job_role_code, "job role code")
        return names.child_dn("uniqueIdentifier", own, names.BASELINES)

    def records(self) -> Iterator[Record]:
        """The baseline's one record."""
        attributes = {
            "objectClass": ("top", "nhsRBACBL"),
            "uniqueIdentifier": self.job_role_code,
            "nhsJobRoleCode": self.full_code,
            "nhsJobRole": self.full_name or NOT_KNOWN,
            "nhsBusinessFunctionsCodes": self.activities,
            "nhsCreateDate": day(self.created_on),
            "nhsRA": NOT_KNOWN,
        }
        yield record(self.dn, attributes)


@dataclass(frozen=True)
class WorkGroupEntry(_OneRecord):
    """A work group of an organisation, which the registration authority knows by its name there."""

    organisation_code: str
    name: str

    @property
    def id(self) -> str:
        """The organisation's code and 12 characters that the name alone determines."""
        return f"{self.organisation_code}-{sha256(self.name.encode()).hexdigest()[:12]}"

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<id>,ou=Work Groups,ou=ReferenceData,o=nhs``."""
        return names.child_dn("uniqueIdentifier", names.code(self.id, "work group id"), names.WORK_GROUPS)

    def records(self) -> Iterator[Record]:
        """The work group's one record."""
        attributes = {
            "objectClass": ("top", "nhsWg"),
            "uniqueIdentifier": self.id,
            "cn": self.name,
            "nhsIDCode": self.organisation_code,
            "nhsWgType": WORK_GROUP_TYPE,
        }
        yield record(self.dn, attributes)


@dataclass(frozen=True)
class WorkGroupTypeEntry(_OneRecord):
    """The one type of work groups that the registration authority knows. No timers are known for it."""

    @property
    def dn(self) -> str:
        """``cn=Team,ou=Work Group Types,ou=ReferenceData,o=nhs``."""
        return names.child_dn("cn", WORK_GROUP_TYPE, names.WORK_GROUP_TYPES)

    def records(self) -> Iterator[Record]:
        """The type's one record."""
        attributes = {
            "objectClass": ("top", "nhsWgTypes"),
            "cn": WORK_GROUP_TYPE,
            "nhsWgType": WORK_GROUP_TYPE,
        }
        yield record(self.dn, attributes)


@dataclass(frozen=True)
class OrganisationTypeEntry(_OneRecord):
    """A code of nhsOrgTypeCode and what it means, as an entry of a list (nhsList)."""

    code: str
    name: str

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<code>,ou=Types,ou=ReferenceData,o=nhs``."""
        own = names.code(self.code, "organisation type code")
        return names.child_dn("uniqueIdentifier", own, names.TYPES)

    def records(self) -> Iterator[Record]:
        """The code's one record."""
        attributes = {
            "objectClass": ("top", "nhsList"),
            "uniqueIdentifier": self.code,
            "cn": self.name or NOT_KNOWN,
        }
        yield record(self.dn, attributes | {"description": "nhsOrgTypeCode"})


def _code_record(
    dn: str,
    object_class: str,
    levels: tuple[CodeInList, CodeInList, CodeInList],
    status: str,
    created_on: date,
) -> Record:
    lists = {}
    for number, level in enumerate(levels, start=1):
        lists[f"nhsList{number}Code"] = level.code or NOT_KNOWN
        lists[f"nhsList{number}Name"] = level.name or NOT_KNOWN
    return record(
        dn,
        {
            "objectClass": ("top", object_class),
            "uniqueIdentifier": levels[2].code,
            "cn": levels[2].name,
            "nhsStatus": status,
            "nhsCreateDate": day(created_on),
            **lists,
        },
    )
