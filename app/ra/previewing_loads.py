"""Reading a file of organisations and comparing it with what is known: the preview of a load.

The file is read as it comes and compared in parts, each in a transaction of its own, so that nobody waits
long for the database and memory stays the same whatever the file's size. Killed in the middle, it begins
anew. Nothing of the file is applied here.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import BinaryIO, cast

from app.domain.actor import Actor
from app.domain.organisation import Organisation
from app.domain.organisation_change import Change, OrganisationChange, change_of
from app.domain.organisation_load import LoadKind, LoadReport, LoadStatus, OrganisationLoad
from app.domain.organisation_record import OrganisationRecord, successor_of
from app.errors import SpineError
from app.ra.importing import ImportNotPossible, Progress, no_progress
from app.ra.importing_findings import Findings
from app.ra.importing_formats import ReadingOrganisations
from app.ra.importing_ord import SOURCE
from app.ra.importing_ord_relations import HIERARCHICAL
from app.ra.importing_rows import RefusedRow
from app.ra.loading_organisations import require_load
from app.ra.loading_ports import Database, Work

_AT_ONCE = 500
_LOG = logging.getLogger(__name__)


class PreviewingLoads:
    """Makes previews.

    Args:
        reading: reads the files.
    """

    def __init__(self, database: Database, reading: ReadingOrganisations) -> None:
        self._database = database
        self._reading = reading

    def run(self, load_id: str, progress: Progress = no_progress) -> None:
        """Make the preview of a load that waits for it, or whose reading was interrupted.

        A file that cannot be used makes the load a failed one, with a message that says what to do.

        Raises:
            NotFound, Unavailable
        """
        load = self._begin(load_id)
        try:
            _Preview(self._database, self._reading, load, progress).make()
        except ImportNotPossible as refusal:
            self._fail(load, str(refusal))
        except SpineError:
            raise
        except Exception:
            # Read again it would fail again, and keep every load behind it waiting.
            _LOG.exception("the preview of load %s failed", load.id)
            self._fail(load, "Something went wrong on our side. The log of the worker says more.")

    def _begin(self, load_id: str) -> OrganisationLoad:
        with self._database.change() as work:
            load = require_load(work, load_id, to_change=True)
            work.load_changes(load_id).clear()
            work.loads.move(load_id, LoadStatus.READING, read_at=work.now, done=0, total=load.file.size)
            return load

    def _fail(self, load: OrganisationLoad, message: str) -> None:
        actor = Actor(load.uploaded_by, load.uploaded_by)
        with self._database.audited(
            actor, "organisation_load.failed", load.id, message=message[:500]
        ) as work:
            work.load_changes(load.id).clear()
            work.loads.forget_content(load.id)
            work.loads.move(load.id, LoadStatus.FAILED, message=message, finished_at=work.now)


class _Preview:
    """One preview in the making."""

    def __init__(
        self, database: Database, reading: ReadingOrganisations, load: OrganisationLoad, progress: Progress
    ) -> None:
        self._database = database
        self._reading = reading
        self._load = load
        self._progress = progress
        self._findings = Findings()
        self._unchanged = 0

    def make(self) -> None:
        """Read, compare, look for what only the whole file tells, and keep the report."""
        with tempfile.TemporaryFile() as file:
            self._fetch(cast("BinaryIO", file))
            self._compare_all(cast("BinaryIO", file))
        self._require_usable()
        self._follow_successions()
        if self._load.file.kind is LoadKind.FULL:
            self._look_for_missing()
        self._look_at_parents()
        self._finish()

    def _fetch(self, file: BinaryIO) -> None:
        """The file, out of the database on to the disk, where it can be read forwards and backwards."""
        number = 0
        while (part := self._part(number)) is not None:
            file.write(part)
            number += 1
        file.seek(0)

    def _part(self, number: int) -> bytes | None:
        with self._database.read() as work:
            return work.loads.part(self._load.id, number)

    def _compare_all(self, file: BinaryIO) -> None:
        with self._database.read() as work:
            today = work.now.date()
        name, report = self._load.file.name, self._load.file.report
        records = self._reading.records(name, report, file, today, self._findings)
        for part in _parts(records):
            with self._database.change() as work:
                self._compare(work, part)
                work.loads.progress(self._load.id, file.tell(), self._load.file.size)
            self._progress("read", file.tell(), self._load.file.size)

    def _compare(self, work: Work, part: Sequence[OrganisationRecord]) -> None:
        changes = work.load_changes(self._load.id)
        once = self._each_once(part)
        fresh = changes.note_records({code: each.organisation.parent_code for code, each in once.items()})
        for code in once.keys() - fresh:
            self._refuse_repeated(code)
        records = [once[code] for code in sorted(fresh)]
        known = work.organisations.get_many(fresh)
        memberships = work.organisations.memberships_of(fresh, HIERARCHICAL)
        found = [
            _change(each, known.get(each.organisation.code), memberships[each.organisation.code])
            for each in records
        ]
        changes.put([each for each in found if each is not None])
        changes.add_successions(one for each in records for one in each.successions)
        self._unchanged += found.count(None)

    def _each_once(self, part: Sequence[OrganisationRecord]) -> dict[str, OrganisationRecord]:
        once: dict[str, OrganisationRecord] = {}
        for each in part:
            if each.organisation.code in once:
                self._refuse_repeated(each.organisation.code)
            once.setdefault(each.organisation.code, each)
        return once

    def _refuse_repeated(self, code: str) -> None:
        reason = f"The code {code} stands further up already."
        self._findings.refuse(RefusedRow(self._load.file.name[:60], 0, code, reason))

    def _require_usable(self) -> None:
        found = self._findings
        if found.read == found.refused_count:
            first = f" The first one: {found.refused[0].reason}" if found.refused else ""
            raise ImportNotPossible(f"Not one organisation of the file can be used.{first}")
        said = found.header.get("publicationtype", "").casefold()
        if self._load.file.kind is LoadKind.FULL and said not in ("", "full"):
            raise ImportNotPossible(
                f"The file says that it is of the kind {said!r}, not the full file. Hand it in as a file"
                " of changes."
            )
        counted = found.header.get("recordcount", "")
        if counted.isdigit() and int(counted) not in (found.read, found.read + found.stubs):
            self._findings.note(
                f"The file says that it has {counted} records, and has {found.read}", "the file"
            )

    def _follow_successions(self) -> None:
        """Who succeeded whom stands at either side, so it is known only when all was read."""
        code, is_done = "", False
        while not is_done:
            with self._database.change() as work:
                changes = work.load_changes(self._load.id)
                found = changes.successions_after(code, _AT_ONCE)
                changes.put(self._succeeded(work, {each: successor_of(all_) for each, all_ in found.items()}))
                for each, listed in found.items():
                    if len({one.successor_code for one in listed}) > 1:
                        self._findings.note("It has several successors: the last one is kept", each)
            code, is_done = max(found, default=""), len(found) < _AT_ONCE

    def _succeeded(self, work: Work, successors: dict[str, str | None]) -> list[OrganisationChange]:
        would_change = work.load_changes(self._load.id).get_many(successors)
        known = work.organisations.get_many(successors)
        found: list[OrganisationChange] = []
        for code, successor in successors.items():
            change, before = would_change.get(code), known.get(code)
            after = change.after if change else before
            if after is None or after.successor_code == successor:
                continue
            after = replace(after, successor_code=successor)
            if change is None:
                self._unchanged -= 1
                found.append(OrganisationChange(code, Change.CHANGED, before, after))
            else:
                found.append(replace(change, after=after))
        return found

    def _look_for_missing(self) -> None:
        sources = self._sources()
        code, is_done = "", False
        while not is_done:
            with self._database.change() as work:
                changes = work.load_changes(self._load.id)
                codes = changes.missing(sources, _AT_ONCE, code)
                known = work.organisations.get_many(codes)
                changes.put([OrganisationChange(each, Change.MISSING, known[each], None) for each in codes])
            code, is_done = max(codes, default=""), len(codes) < _AT_ONCE

    def _sources(self) -> set[str]:
        """Whose organisations the file should have: a report its own, the full file everybody's of ODS."""
        reports = {each.name for each in self._reading.reports}
        mine = self._reading.report_of(self._load.file.name, self._load.file.report)
        return {mine} if mine else {SOURCE, *reports}

    def _look_at_parents(self) -> None:
        with self._database.read() as work:
            changes = work.load_changes(self._load.id)
            for code, parent in changes.unknown_parents():
                self._findings.note("Its parent is neither in the file nor known", f"{code} under {parent}")
            parents = changes.parents_of_parents()
        for code in _in_circles(parents):
            self._findings.note("It is under itself, by way of others", code)

    def _finish(self) -> None:
        actor = Actor(self._load.uploaded_by, self._load.uploaded_by)
        with self._database.audited(actor, "organisation_load.previewed", self._load.id) as work:
            report = self._report(work.load_changes(self._load.id).counts())
            work.loads.report(self._load.id, report)
            work.loads.move(self._load.id, LoadStatus.PREVIEWED)
            work.audit.details(read=report.read, refused=report.refused, changes=report.to_apply)

    def _report(self, counts: dict[Change, int]) -> LoadReport:
        found = self._findings
        notes = sorted(found.notes.items(), key=lambda each: -each[1].count)
        return LoadReport(
            changes=counts,
            unchanged=self._unchanged,
            read=found.read,
            stubs=found.stubs,
            refused=found.refused_count,
            notes=tuple((sentence, note.count, tuple(note.examples)) for sentence, note in notes),
            refused_rows=tuple((each.file, each.line, each.row, each.reason) for each in found.refused[:200]),
            header=found.header,
        )


def _parts(records: Iterator[OrganisationRecord]) -> Iterator[list[OrganisationRecord]]:
    while part := list(islice(records, _AT_ONCE)):
        yield part


def _change(
    record: OrganisationRecord, before: Organisation | None, memberships: Iterable[object]
) -> OrganisationChange | None:
    after = record.over(before)
    they_change = record.memberships is not None and set(record.memberships) != memberships
    kind = change_of(before, after, they_change)
    if kind is None:
        return None
    return OrganisationChange(after.code, kind, before, after, record.memberships if they_change else None)


def _in_circles(parents: dict[str, str]) -> list[str]:
    """Those that are, by their parents' parents, under themselves."""
    found: set[str] = set()
    safe: set[str] = set()
    for start in parents:
        path: list[str] = []
        code: str | None = start
        while code is not None and code not in safe and code not in path:
            path.append(code)
            code = parents.get(code)
        if code in path:
            found.update(path[path.index(code) :])
        safe.update(path)
    return sorted(found)
