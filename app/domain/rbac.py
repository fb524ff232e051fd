"""National role-based access control: job roles, activities, and what a role profile may do in the end.

A job role carries the activities of the national baseline; a role profile adds further ones; and an activity
may be satisfied by another that includes it (to amend demographics includes to view them). Relying systems
are told only the added ones today and must work out the rest; ``resolve`` does it for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

NO_PUBLIC_NAME = "no public name"


@dataclass(frozen=True)
class JobRole:
    """A job role.

    Attributes:
        code: e.g. ``R8000``.
        status: ``current``, ``temporary``, ``closed``, ``obsolete``, or that the code is not standard.
        staff_group: the heading under which national lists put it.
        three_part_code: e.g. ``S8000:G8000:R8000``; empty where it is not public.
        three_part_name: the three quoted names joined by colons; empty where it is not public.
    """

    code: str
    name: str
    status: str
    staff_group: str
    three_part_code: str = ""
    three_part_name: str = ""

    @property
    def is_current(self) -> bool:
        """Whether new access may be given with it."""
        return self.status in ("current", "temporary")

    @property
    def full_code(self) -> str:
        """The three-part code where it is public, else the job role's own."""
        return self.three_part_code or self.code

    @property
    def full_name(self) -> str:
        """The three-part name where it is public, else the job role's own."""
        return self.three_part_name or self.name


@dataclass(frozen=True)
class Activity:
    """An activity ("business function"). ``name`` says so where no name is public."""

    code: str
    public_name: str
    used_for: str
    confidence: str

    @property
    def name(self) -> str:
        """Its name, or that none is public."""
        return self.public_name or NO_PUBLIC_NAME


@dataclass(frozen=True)
class AreaOfWork:
    """An area of work: three-part code and name, e.g. ``P0020:Q0300:T0640``."""

    code: str
    name: str


@dataclass(frozen=True)
class NationalRoles:
    """One version of the national tables.

    Attributes:
        version: its name.
        effective_from: the first day on which it is in force.
        satisfies: which activities an activity satisfies directly, besides itself.
        baseline: which activities a job role carries by itself.
    """

    version: str
    effective_from: date
    job_roles: Mapping[str, JobRole]
    activities: Mapping[str, Activity]
    areas_of_work: Mapping[str, AreaOfWork]
    satisfies: Mapping[str, frozenset[str]]
    baseline: Mapping[str, frozenset[str]]

    def resolve(self, job_role_code: str, additional: Iterable[str]) -> tuple[str, ...]:
        """Every activity that somebody with the job role and the additional activities may do, sorted.

        Baseline and additional activities, and all that those satisfy, over any number of steps.
        """
        waiting = set(additional) | self.baseline.get(job_role_code, frozenset())
        held: set[str] = set()
        while waiting:
            activity = waiting.pop()
            held.add(activity)
            waiting |= self.satisfies.get(activity, frozenset()) - held
        return tuple(sorted(held))

    def job_roles_like(self, text: str) -> list[JobRole]:
        """The job roles that new access may be given with and whose code or name has every word, by name."""
        words = text.casefold().split()
        found = [
            role
            for role in self.job_roles.values()
            if role.is_current and all(word in f"{role.code} {role.name}".casefold() for word in words)
        ]
        return sorted(found, key=lambda role: (role.name.casefold(), role.code))
