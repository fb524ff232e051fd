"""From the national tables to the directory's reference data, and from positions to their work groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from app.adapters.person_entries import CURRENT, RETIRED
from app.domain.position import PositionStatus
from app.domain.rbac import AreaOfWork, JobRole, NationalRoles
from app.storage.work import Work
from directory.entries import Entry, Gone
from directory.reference_data import (
    ActivityEntry,
    AreaOfWorkEntry,
    BaselineEntry,
    CodeInList,
    JobRoleEntry,
    OrganisationTypeEntry,
    WorkGroupEntry,
    WorkGroupTypeEntry,
)

_Levels = tuple[CodeInList, CodeInList, CodeInList]


def code_list_entries(work: Work) -> Iterator[Entry]:
    """Job roles, activities, areas of work and baselines in force today, and the types of organisations."""
    national = work.rbac.current()
    since = national.effective_from
    for role in national.job_roles.values():
        yield _job_role(role, since)
    for activity in national.activities.values():
        yield ActivityEntry(activity.code, activity.name, CURRENT, since)
    for area in national.areas_of_work.values():
        yield AreaOfWorkEntry(_area_levels(area), CURRENT, since)
    yield from _baselines(national)
    for code, kind in work.organisations.kinds():
        yield OrganisationTypeEntry(code, kind)


def work_group_entries(work: Work, organisation_code: str = "") -> Iterator[Entry]:
    """The work groups that open positions name, and their type; with a code, those of that organisation
    alone, and that the work groups of its closed positions are gone."""
    yield WorkGroupTypeEntry()
    named = work.positions.workgroups(organisation_code)
    for code, name in named:
        yield WorkGroupEntry(code, name)
    if organisation_code:
        closed = work.positions.workgroups(organisation_code, PositionStatus.CLOSED)
        for code, name in sorted(set(closed) - set(named)):
            yield Gone(WorkGroupEntry(code, name).dn)


def _baselines(national: NationalRoles) -> Iterator[BaselineEntry]:
    for code, activities in national.baseline.items():
        role = national.job_roles.get(code)
        if role is not None:
            given = tuple(sorted(activities))
            yield BaselineEntry(code, role.full_code, role.full_name, given, national.effective_from)


def _job_role(role: JobRole, created_on: date) -> JobRoleEntry:
    levels = _three_levels(role.three_part_code, role.three_part_name)
    if levels is None:
        levels = CodeInList(name=role.staff_group), CodeInList(), CodeInList()
    status = CURRENT if role.is_current else RETIRED
    return JobRoleEntry(role.code, role.name, status, created_on, levels[0], levels[1])


def _area_levels(area: AreaOfWork) -> _Levels:
    alone = CodeInList(), CodeInList(), CodeInList(area.code.rpartition(":")[2], area.name)
    return _three_levels(area.code, area.name) or alone


def _three_levels(code: str, name: str) -> _Levels | None:
    """The levels of a three-part code and of its three quoted names; None unless there are three of each."""
    codes, titles = code.split(":"), [part.strip('"') for part in name.split(":")]
    if len(codes) != 3 or len(titles) != 3:
        return None
    first, second, third = (CodeInList(*each) for each in zip(codes, titles, strict=True))
    return first, second, third
