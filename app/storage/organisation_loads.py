"""Loads of organisations in the database: the files, and how far each load has come."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from app.domain.organisation_change import Change
from app.domain.organisation_load import LoadFile, LoadKind, LoadReport, LoadStatus, OrganisationLoad
from app.storage.tables import organisation_loads as tables

_load, _part = tables.organisation_load, tables.organisation_load_part
_SAME = (
    "id", "uploaded_by", "uploaded_at", "read_at", "applied_by", "applied_role_profile", "applied_at",
    "finished_at", "done", "total", "message", "announces",
)  # fmt: skip
_NEEDED_UNTIL_OVER = (
    tables.organisation_load_part,
    tables.organisation_load_record,
    tables.organisation_load_succession,
)


class OrganisationLoads:
    """Loads, the newest first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, load_id: str, file: LoadFile, by: str, at: datetime, announces: bool) -> None:
        """Keep a new load, without its file's content."""
        self._connection.execute(
            insert(_load).values(
                id=load_id,
                file_name=file.name[:200],
                kind=file.kind.value,
                report=file.report,
                digest=file.digest,
                size=file.size,
                status=LoadStatus.ARRIVING.value,
                uploaded_by=by,
                uploaded_at=at,
                announces=announces,
                findings={},
            )
        )

    def add_part(self, load_id: str, number: int, content: bytes) -> None:
        """Keep the next part of its file."""
        packed = zlib.compress(content, level=1)
        self._connection.execute(insert(_part).values(load_id=load_id, number=number, content=packed))

    def part(self, load_id: str, number: int) -> bytes | None:
        """One part of its file, from 0; None behind the last one."""
        chosen = select(_part.c.content).where(_part.c.load_id == load_id, _part.c.number == number)
        packed = self._connection.scalar(chosen)
        return zlib.decompress(packed) if packed is not None else None

    def get(self, load_id: str) -> OrganisationLoad | None:
        """The load with this id."""
        return next(self._select(select(_load).where(_load.c.id == load_id)), None)

    def get_to_change(self, load_id: str) -> OrganisationLoad | None:
        """The load with this id, locked until the transaction ends."""
        return next(self._select(select(_load).where(_load.c.id == load_id).with_for_update()), None)

    def newest(self, limit: int) -> list[OrganisationLoad]:
        """The newest loads."""
        return list(self._select(select(_load).order_by(_load.c.uploaded_at.desc(), _load.c.id).limit(limit)))

    def next_moving(self) -> OrganisationLoad | None:
        """The oldest load that goes on by itself."""
        moving = [each.value for each in LoadStatus if each.is_moving]
        chosen = select(_load).where(_load.c.status.in_(moving)).order_by(_load.c.uploaded_at).limit(1)
        return next(self._select(chosen), None)

    def move(self, load_id: str, status: LoadStatus, **values: object) -> None:
        """Bring it into another state, with what else changes."""
        self._update(load_id, status=status.value, **values)

    def progress(self, load_id: str, done: int, total: int) -> None:
        """Note how far it is."""
        self._update(load_id, done=done, total=total)

    def report(self, load_id: str, report: LoadReport) -> None:
        """Keep what reading or applying found."""
        self._update(load_id, findings=_report_as_json(report))

    def forget_content(self, load_id: str) -> None:
        """Remove the file and what was only needed to preview it."""
        for table in _NEEDED_UNTIL_OVER:
            self._connection.execute(delete(table).where(table.c.load_id == load_id))

    def given_up(self, before: datetime) -> list[str]:
        """Loads whose file began to arrive before that and never arrived whole."""
        arriving = _load.c.status == LoadStatus.ARRIVING.value
        return list(
            self._connection.scalars(select(_load.c.id).where(arriving, _load.c.uploaded_at < before))
        )

    def forget_over(self, before: datetime) -> None:
        """Remove the changes of loads that were over before that; what they did stays in their report."""
        old = select(_load.c.id).where(_load.c.finished_at < before)
        change = tables.organisation_load_change
        self._connection.execute(delete(change).where(change.c.load_id.in_(old)))

    def _update(self, load_id: str, **values: object) -> None:
        self._connection.execute(update(_load).where(_load.c.id == load_id).values(**values))

    def _select(self, chosen: Any) -> Iterator[OrganisationLoad]:
        return (_load_of(row) for row in self._connection.execute(chosen))


def _load_of(row: Row[Any]) -> OrganisationLoad:
    fields = row._mapping
    file = LoadFile(
        fields["file_name"], LoadKind(fields["kind"]), fields["report"], fields["digest"], fields["size"]
    )
    same = {name: fields[name] for name in _SAME}
    status, report = LoadStatus(fields["status"]), _report_of_json(fields["findings"])
    return OrganisationLoad(file=file, status=status, report=report, **same)


def _report_as_json(report: LoadReport) -> dict[str, Any]:
    return {
        "changes": {change.value: count for change, count in report.changes.items()},
        "unchanged": report.unchanged,
        "read": report.read,
        "stubs": report.stubs,
        "refused": report.refused,
        "notes": [[sentence, count, list(codes)] for sentence, count, codes in report.notes],
        "refused_rows": [list(each) for each in report.refused_rows],
        "header": dict(report.header),
        "stale": list(report.stale),
    }


def _report_of_json(values: Mapping[str, Any]) -> LoadReport:
    if not values:
        return LoadReport()
    changes = {Change(name): count for name, count in values["changes"].items()}
    notes = tuple((sentence, count, tuple(codes)) for sentence, count, codes in values["notes"])
    lists = {"notes": notes, "refused_rows": _tuples(values["refused_rows"]), "stale": tuple(values["stale"])}
    return LoadReport(**{**values, **lists, "changes": changes})


def _tuples(lists: Iterable[Iterable[Any]]) -> tuple[Any, ...]:
    return tuple(tuple(each) for each in lists)
