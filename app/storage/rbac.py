"""National role-based access control in the database: each version whole, the one in force by the day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import Connection, Row, Table, bindparam, insert, select

from app.domain.rbac import Activity, AreaOfWork, JobRole, NationalRoles
from app.errors import Unavailable
from app.storage.tables.reference import (
    activity,
    activity_inclusion,
    area_of_work,
    baseline_activity,
    job_role,
    rbac_version,
)

# Versions never change, so that what was read once can be kept. By digest, version and first day.
_READ: dict[tuple[str, str, date], NationalRoles] = {}

_IN_FORCE = (
    select(rbac_version)
    .where(rbac_version.c.effective_from <= bindparam("day"))
    .order_by(rbac_version.c.effective_from.desc())
    .limit(1)
)


class Rbac:
    """The national tables. Without a day, those that are in force when the transaction began."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._today = now.date()

    def on(self, day: date) -> NationalRoles:
        """The tables that are in force on that day.

        Raises:
            Unavailable: none were imported for that day.
        """
        row = self._version_on(day)
        if row is None:
            raise Unavailable(
                "rbac",
                f"No national role tables are in force on {day}. Import them with `spine-ra rbac import`.",
            )
        key = (row.digest, row.name, row.effective_from)
        if key not in _READ:
            _READ[key] = self._read(row.id, row.name, row.effective_from)
        return _READ[key]

    def current(self) -> NationalRoles:
        """The tables that are in force now. Raises Unavailable."""
        return self.on(self._today)

    def job_role(self, code: str) -> JobRole | None:
        """The job role with this code, now."""
        return self.current().job_roles.get(code)

    def activity(self, code: str) -> Activity | None:
        """The activity with this code, now."""
        return self.current().activities.get(code)

    def resolve(self, job_role_code: str, additional: Iterable[str]) -> tuple[str, ...]:
        """Every activity that the job role with the additional activities may do, now; sorted."""
        return self.current().resolve(job_role_code, additional)

    def digest_on(self, day: date) -> str | None:
        """The digest of the version that is in force on that day; None when there is none."""
        row = self._version_on(day)
        return row.digest if row else None

    def has_version_from(self, day: date) -> bool:
        """Whether a version begins on exactly that day."""
        row = self._version_on(day)
        return row is not None and row.effective_from == day

    def add(self, roles: NationalRoles, digest: str, now: datetime) -> None:
        """Keep a new version."""
        version = insert(rbac_version).values(
            name=roles.version, effective_from=roles.effective_from, digest=digest, imported_at=now
        )
        version_id = self._connection.scalar(version.returning(rbac_version.c.id))
        for table, rows in _rows_of(roles):
            if rows:
                self._connection.execute(insert(table), [row | {"version_id": version_id} for row in rows])

    def _version_on(self, day: date) -> Row[tuple[object, ...]] | None:
        return self._connection.execute(_IN_FORCE, {"day": day}).one_or_none()

    def _read(self, version_id: int, name: str, effective_from: date) -> NationalRoles:
        def rows(table: Table) -> list[dict[str, str]]:
            chosen = select(*(each for each in table.c if each.name != "version_id"))
            found = self._connection.execute(chosen.where(table.c.version_id == version_id))
            return [dict(row._mapping) for row in found]

        return NationalRoles(
            name,
            effective_from,
            job_roles={row["code"]: JobRole(**row) for row in rows(job_role)},
            activities={row["code"]: Activity(**row) for row in rows(activity)},
            areas_of_work={row["code"]: AreaOfWork(**row) for row in rows(area_of_work)},
            satisfies=_grouped(rows(activity_inclusion), "satisfied_by", "activity_code"),
            baseline=_grouped(rows(baseline_activity), "job_role_code", "activity_code"),
        )


def _grouped(rows: Iterable[Mapping[str, str]], by: str, of: str) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row[by]].add(row[of])
    return {key: frozenset(values) for key, values in found.items()}


def _rows_of(roles: NationalRoles) -> list[tuple[Table, list[dict[str, object]]]]:
    return [
        (job_role, [asdict(each) for each in roles.job_roles.values()]),
        (activity, [asdict(each) for each in roles.activities.values()]),
        (area_of_work, [asdict(each) for each in roles.areas_of_work.values()]),
        (activity_inclusion, _pairs(roles.satisfies, "satisfied_by", "activity_code")),
        (baseline_activity, _pairs(roles.baseline, "job_role_code", "activity_code")),
    ]


def _pairs(groups: Mapping[str, frozenset[str]], key: str, value: str) -> list[dict[str, object]]:
    return [{key: first, value: second} for first, seconds in groups.items() for second in sorted(seconds)]
