"""Importing organisations and memberships from ODS's files: what is new or changed is stored, the rest left.

Bad rows are refused with a reason and the others stored. Importing the same files again changes nothing. An
organisation that is no longer in the files stays: ODS keeps closed ones and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from app.domain.actor import Actor
from app.domain.json_value import JsonValue
from app.domain.organisation import Membership, Organisation
from app.domain.organisation_change import Change, OrganisationChange, change_of
from app.domain.organisation_record import OrganisationRecord
from app.ra.importing import ImportNotPossible, Progress, SourceFile, lines, no_progress, read_all
from app.ra.importing_formats import CSV_FIELDS
from app.ra.importing_ods_files import OdsFile, membership
from app.ra.importing_ports import Database, Work
from app.ra.importing_rows import Line, RefusedRow
from app.ra.raising_closings import raise_closings


@dataclass(frozen=True)
class OdsFiles:
    """What to import: files of organisations with their descriptions, and the file of memberships.

    ``source`` says in words where they are from, for the audit.
    """

    source: str
    organisations: Sequence[tuple[OdsFile, SourceFile]]
    memberships: SourceFile | None


@dataclass(frozen=True)
class Changes:
    """How many were new, changed and as before."""

    added: int
    changed: int
    unchanged: int


@dataclass(frozen=True)
class OrganisationsImported:
    """What an import did. ``members_not_listed``: memberships of organisations that no file lists."""

    organisations: Changes
    memberships: Changes
    members_not_listed: int
    refused: tuple[RefusedRow, ...]


class ImportingOrganisations:
    """The import of organisations.

    Args:
        announce: whether every new and changed organisation is announced to the directory one by one. The
            first import does not: the directory is then built whole from the database.
    """

    def __init__(self, database: Database, announce: bool = True) -> None:
        self._database = database
        self._announce = announce

    def run(self, actor: Actor, files: OdsFiles, progress: Progress = no_progress) -> OrganisationsImported:
        """Import the files in one transaction, recorded as one event.

        Raises:
            ImportNotPossible: not one row of a file can be used, so it is the wrong file.
            Unavailable
        """
        with self._database.audited(
            actor, "organisations.imported", "organisations", source=files.source
        ) as work:
            refused: list[RefusedRow] = []
            organisations = self._organisations(work, files, refused, progress)
            memberships, not_listed = _memberships(work, files, refused, progress)
            report = OrganisationsImported(organisations, memberships, not_listed, tuple(refused))
            _record(work, files.source, report)
        return report

    def _organisations(
        self, work: Work, files: OdsFiles, refused: list[RefusedRow], progress: Progress
    ) -> Changes:
        known = work.organisations.all()
        read = _read_organisations(files, work.now.date(), refused)
        told = [OrganisationRecord(each, CSV_FIELDS).over(known.get(each.code)) for each in read.values()]
        new = [each for each in told if known.get(each.code) != each]
        work.organisations.save(new, work.now, lambda stored: progress("organisations", stored, len(new)))
        raise_closings(work, (_change(known.get(each.code), each) for each in new))
        if self._announce:
            for each in new:
                work.outbox.add("directory.organisation", each.code)
        added = sum(each.code not in known for each in new)
        return Changes(added, len(new) - added, len(read) - len(new))


def _change(before: Organisation | None, after: Organisation) -> OrganisationChange:
    return OrganisationChange(after.code, change_of(before, after, False) or Change.CHANGED, before, after)


def _read_organisations(files: OdsFiles, today: date, refused: list[RefusedRow]) -> dict[str, Organisation]:
    read: dict[str, Organisation] = {}
    for kind, file in files.organisations:
        before = len(read)
        rows = ((line, line.columns) for line in lines(file, refused))
        for line, organisation in read_all(rows, partial(kind.organisation, today=today), refused):
            _keep_once(read, line, organisation, refused)
        if len(read) == before:
            raise _no_such_file(file, refused)
    return read


def _keep_once(
    read: dict[str, Organisation], line: Line, organisation: Organisation, refused: list[RefusedRow]
) -> None:
    if organisation.code in read:
        refused.append(line.refused(f"The code {organisation.code} stands further up already."))
    else:
        read[organisation.code] = organisation


def _memberships(
    work: Work, files: OdsFiles, refused: list[RefusedRow], progress: Progress
) -> tuple[Changes, int]:
    if files.memberships is None:
        return Changes(0, 0, 0), 0
    read = _read_memberships(files.memberships, refused)
    known = work.organisations.all_memberships()
    known_keys = {_key(each) for each in known}
    new = [each for each in read.values() if each not in known]
    work.organisations.save_memberships(new, lambda stored: progress("memberships", stored, len(new)))
    added = sum(_key(each) not in known_keys for each in new)
    listed = work.organisations.known({each.organisation_code for each in read.values()})
    not_listed = sum(each.organisation_code not in listed for each in read.values())
    return Changes(added, len(new) - added, len(read) - len(new)), not_listed


def _read_memberships(
    file: SourceFile, refused: list[RefusedRow]
) -> dict[tuple[str, str, str, date], Membership]:
    read: dict[tuple[str, str, str, date], Membership] = {}
    rows = ((line, line.columns) for line in lines(file, refused))
    for line, each in read_all(rows, membership, refused):
        if _key(each) in read:
            refused.append(line.refused("The same membership stands further up already."))
        else:
            read[_key(each)] = each
    if not read:
        raise _no_such_file(file, refused)
    return read


def _key(each: Membership) -> tuple[str, str, str, date]:
    return each.organisation_code, each.parent_code, each.kind, each.joined_on


def _no_such_file(file: SourceFile, refused: Sequence[RefusedRow]) -> ImportNotPossible:
    first = next((f" Line {row.line}: {row.reason}" for row in refused if row.file == file.name), "")
    return ImportNotPossible(f"Not one row of {file.name} can be used, so nothing was imported.{first}")


def _record(work: Work, source: str, report: OrganisationsImported) -> None:
    counts = {
        "added": report.organisations.added,
        "changed": report.organisations.changed,
        "unchanged": report.organisations.unchanged,
        "refused": len(report.refused),
    }
    work.import_runs.record("organisations", source, counts, report.refused, work.now)
    details: dict[str, JsonValue] = {
        **counts,
        "memberships_added": report.memberships.added,
        "memberships_changed": report.memberships.changed,
        "memberships_unchanged": report.memberships.unchanged,
    }
    work.audit.details(**details)
