"""Importing a version of the national role-based access tables: job roles, activities and how they relate.

A version is kept beside the earlier ones and is in force from its day on. Importing what is in force already
changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Protocol, TypeVar

from app.domain.actor import Actor
from app.domain.json_value import canonical_json
from app.domain.rbac import Activity, AreaOfWork, JobRole, NationalRoles
from app.ra.importing import ImportNotPossible, SourceFile, read_all, records
from app.ra.importing_ports import Database, Work
from app.ra.importing_rows import Line, RefusedRow, RowRefused

_Value = TypeVar("_Value")
FILES = ("job_roles", "activities", "activity_inclusion", "baseline", "areas_of_work")


@dataclass(frozen=True)
class RbacFiles:
    """What to import. ``files`` has the content of each of ``FILES``, CSV with a header."""

    version: str
    effective_from: date
    files: Mapping[str, SourceFile]


@dataclass(frozen=True)
class RbacImported:
    """What an import did; ``is_new`` is False when the same tables were in force already."""

    version: str
    is_new: bool
    job_roles: int
    activities: int
    refused: tuple[RefusedRow, ...]


class ImportingRbac:
    """The import of the national tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, actor: Actor, files: RbacFiles) -> RbacImported:
        """Import one version in one transaction, recorded as one event.

        Raises:
            ImportNotPossible: a file is missing or empty, or another version begins on the same day.
            Unavailable
        """
        with self._database.audited(
            actor,
            "rbac.imported",
            files.version,
            version=files.version,
            effective_from=files.effective_from.isoformat(),
        ) as work:
            refused: list[RefusedRow] = []
            roles = read_national_roles(files, refused)
            report = RbacImported(
                files.version,
                _store(work, roles),
                len(roles.job_roles),
                len(roles.activities),
                tuple(refused),
            )
            _record(work, report)
        return report


def _store(work: Work, roles: NationalRoles) -> bool:
    digest = digest_of(roles)
    if work.rbac.digest_on(roles.effective_from) == digest:
        return False
    if work.rbac.has_version_from(roles.effective_from):
        raise ImportNotPossible(
            f"Other tables are in force from {roles.effective_from} already, and a version is never changed."
            " Import these with a later day."
        )
    work.rbac.add(roles, digest, work.now)
    work.outbox.add("directory.reference", "")
    return True


def _record(work: Work, report: RbacImported) -> None:
    counts = {
        "added": report.job_roles + report.activities if report.is_new else 0,
        "changed": 0,
        "unchanged": 0 if report.is_new else report.job_roles + report.activities,
        "refused": len(report.refused),
    }
    work.import_runs.record("rbac", report.version, counts, report.refused, work.now)
    work.audit.details(
        job_roles=report.job_roles,
        activities=report.activities,
        refused=len(report.refused),
        is_new=report.is_new,
    )


def digest_of(roles: NationalRoles) -> str:
    """SHA-256 of what the tables say, whatever their version is called, in hexadecimal."""
    content = canonical_json(
        {
            "job_roles": {code: asdict(each) for code, each in roles.job_roles.items()},
            "activities": {code: asdict(each) for code, each in roles.activities.items()},
            "areas_of_work": {code: asdict(each) for code, each in roles.areas_of_work.items()},
            "satisfies": {code: sorted(codes) for code, codes in roles.satisfies.items()},
            "baseline": {code: sorted(codes) for code, codes in roles.baseline.items()},
        }
    )
    return hashlib.sha256(content).hexdigest()


def read_national_roles(files: RbacFiles, refused: list[RefusedRow]) -> NationalRoles:
    """The tables of the files; rows that cannot be used go to ``refused``.

    Raises:
        ImportNotPossible: a file is missing or has not one row that can be used.
    """
    reader = _Reader(files, refused)
    job_roles = reader.by_code("job_roles", _JOB_ROLE_COLUMNS, _job_role)
    activities = reader.by_code("activities", _ACTIVITY_COLUMNS, _activity)
    areas = reader.by_code("areas_of_work", ("three_part_code", "name"), _area_of_work)
    return NationalRoles(
        files.version,
        files.effective_from,
        job_roles,
        activities,
        areas,
        # Written "activity, satisfied by"; asked the other way round.
        satisfies=reader.grouped(
            "activity_inclusion", _Pair("satisfied_by", activities, "activity_code", activities)
        ),
        baseline=reader.grouped("baseline", _Pair("job_role_code", job_roles, "activity_code", activities)),
    )


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


_Code = TypeVar("_Code", bound=_Coded)


@dataclass(frozen=True)
class _Pair:
    """Two columns of codes, each of which must be known."""

    first: str
    known_first: Container[str]
    second: str
    known_second: Container[str]

    def __call__(self, row: Mapping[str, str]) -> tuple[str, str]:
        pair = row[self.first], row[self.second]
        for code, known in zip(pair, (self.known_first, self.known_second), strict=True):
            if code not in known:
                raise RowRefused(f"There is no {code!r}.")
        return pair


class _Reader:
    """Reads the tables of one version."""

    def __init__(self, files: RbacFiles, refused: list[RefusedRow]) -> None:
        self._files = files
        self._refused = refused

    def by_code(
        self, name: str, columns: Sequence[str], read: Callable[[Mapping[str, str]], _Code]
    ) -> dict[str, _Code]:
        found: dict[str, _Code] = {}
        for line, each in self._rows(name, columns, read):
            if each.code in found:
                self._refused.append(line.refused(f"The code {each.code} stands further up already."))
            else:
                found[each.code] = each
        return found

    def grouped(self, name: str, pair: _Pair) -> dict[str, frozenset[str]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for _, (first, second) in self._rows(name, (pair.first, pair.second), pair):
            found[first].add(second)
        return {first: frozenset(seconds) for first, seconds in found.items()}

    def _rows(
        self, name: str, columns: Sequence[str], read: Callable[[Mapping[str, str]], _Value]
    ) -> list[tuple[Line, _Value]]:
        if name not in self._files.files:
            raise ImportNotPossible(f"The file {name}.csv is missing.")
        found = records(self._files.files[name], columns, self._refused)
        rows = list(read_all(found, read, self._refused))
        if not rows:
            raise ImportNotPossible(f"Not one row of {name}.csv can be used, so nothing was imported.")
        return rows


_JOB_ROLE_COLUMNS = ("code", "name", "status", "staff_group", "three_part_code", "three_part_name")
_ACTIVITY_COLUMNS = ("code", "name", "used_for", "confidence")


def _job_role(row: Mapping[str, str]) -> JobRole:
    if not row["name"]:
        raise RowRefused("It has no name.")
    if row["three_part_code"]:
        _three_parts(row["three_part_code"])
    return JobRole(_code(row["code"]), *(row[column] for column in _JOB_ROLE_COLUMNS[1:]))


def _activity(row: Mapping[str, str]) -> Activity:
    return Activity(_code(row["code"]), row["name"], row["used_for"], row["confidence"])


def _area_of_work(row: Mapping[str, str]) -> AreaOfWork:
    return AreaOfWork(_three_parts(row["three_part_code"]), row["name"])


def _three_parts(text: str) -> str:
    """A code of one level, or of three."""
    parts = text.split(":")
    if len(parts) not in (1, 3):
        raise RowRefused(f"The code {text!r} has neither one level nor three.")
    for part in parts:
        _code(part)
    return text


def _code(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{1,2}[0-9]{3,5}[A-Z]?", text):
        raise RowRefused(f"The code {text!r} is not a letter and digits.")
    return text
