"""Code lists of the National RBAC Database: job roles (nhsRBACJR) and activities (nhsRBACBF)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from directory import names
from directory.entries import NOT_KNOWN, Record, day, record


@dataclass(frozen=True)
class CodeInList:
    """One level of a three-level list: staff group, sub group, job role."""

    code: str = NOT_KNOWN
    name: str = NOT_KNOWN


@dataclass(frozen=True)
class JobRoleEntry:
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

    @property
    def owns_subtree(self) -> bool:
        """True: nothing else stands below a code."""
        return True

    def records(self) -> Iterator[Record]:
        """The job role's one record."""
        own = CodeInList(self.code, self.name or NOT_KNOWN)
        levels = (self.staff_group, self.sub_group, own)
        yield _code_record(self.dn, "nhsRBACJR", levels, self.status, self.created_on)


@dataclass(frozen=True)
class ActivityEntry:
    """An activity (business function)."""

    code: str
    name: str
    status: str
    created_on: date

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<B code>,ou=Activities,ou=ReferenceData,o=nhs``."""
        return names.child_dn("uniqueIdentifier", names.code(self.code, "activity code"), names.ACTIVITIES)

    @property
    def owns_subtree(self) -> bool:
        """True: nothing else stands below a code."""
        return True

    def records(self) -> Iterator[Record]:
        """The activity's one record."""
        levels = (CodeInList(), CodeInList(), CodeInList(self.code, self.name or NOT_KNOWN))
        yield _code_record(self.dn, "nhsRBACBF", levels, self.status, self.created_on)


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
