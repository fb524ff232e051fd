"""Migrating from another directory: its organisations, people, role profiles and systems are taken over.

1. The old directory's LDIF is sorted by kind, parents first, and taken over in batches. What is taken over is
   marked: people came without evidence, role profiles hang on the migration instead of on a request.
2. Nothing that was registered here is overwritten; what has not changed there costs nothing. So a run may be
   interrupted and given again, and a newer LDIF may follow.
3. Each batch is one transaction with one audit event, which carries the digest of its records' digests; the
   digest of each record is kept beside it. What could not be mapped is kept with the reason.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from app.domain.actor import Actor
from app.domain.json_value import JsonValue
from app.errors import Refusal
from app.ra.importing import Progress, no_progress
from app.ra.migration_ports import Database, OldFile, Work
from app.ra.old_entries import Kind, OldEntry
from app.ra.taking_over import Batch, take_over

AT_ONCE = 1000


class MigrationEnded(Refusal):
    """The cut-over has happened."""

    code: ClassVar[str] = "migration_ended"


class NothingToCutOver(Refusal):
    """No migration has begun."""

    code: ClassVar[str] = "nothing_to_cut_over"


@dataclass(frozen=True)
class DirectoryImported:
    """What one import did: how many records of each kind were taken over, unchanged, refused, reduced."""

    counts: Mapping[Kind, Counter[str]]
    unreadable: int

    @property
    def refused(self) -> int:
        """How many entries were not taken over."""
        return self.unreadable + sum(each["refused"] for each in self.counts.values())


class ImportingDirectory:
    """The import of another directory's LDIF.

    Args:
        announce: whether every change is announced to our directory one by one. The first import does not:
            the directory is then built whole from the database.
    """

    def __init__(self, database: Database, announce: bool = False) -> None:
        self._database = database
        self._announce = announce

    def run(self, actor: Actor, file: OldFile, progress: Progress = no_progress) -> DirectoryImported:
        """Take over the file's entries.

        Raises:
            MigrationEnded: the cut-over has happened.
            Unavailable: what was taken over by then stays; give the same file again.
        """
        unreadable = self._begin(actor, file)
        counts = {kind: self._take_over(actor, file, kind, progress) for kind in Kind}
        return DirectoryImported(counts, unreadable)

    def _begin(self, actor: Actor, file: OldFile) -> int:
        with self._database.audited(actor, "migration.import_begun", file.source, digest=file.digest) as work:
            require_not_ended(work)
            work.migrated.begin(file.source)
            unreadable = list(file.unreadable)
            work.migrated.note(unreadable)
            work.audit.details(**{kind.value: count for kind, count in file.counts.items()})
        return len(unreadable)

    def _take_over(self, actor: Actor, file: OldFile, kind: Kind, progress: Progress) -> Counter[str]:
        done, total, counts = 0, file.counts.get(kind, 0), Counter[str]()
        for entries in batches(file.entries(kind)):
            with self._database.audited(
                actor, "migration.batch_taken_over", file.source, kind=kind.value
            ) as work:
                require_not_ended(work)
                batch = take_over(work, kind, entries)
                _announced(work, batch, self._announce)
                work.audit.details(**told(batch))
            counts.update(batch.counts)
            done += len(entries)
            progress(f"{kind.value}s", done, total)
        return counts


def require_not_ended(work: Work) -> None:
    """Refuse to overwrite anything once this product is the one that is written to.

    Raises:
        MigrationEnded
    """
    state = work.migrated.state()
    if state is not None and state.cut_over_at is not None:
        raise MigrationEnded(f"The cut-over was on {state.cut_over_at:%Y-%m-%d}: nothing more is taken over.")


def batches(entries: Iterator[OldEntry]) -> Iterator[list[OldEntry]]:
    """The entries, so many at once as one transaction takes."""
    while some := list(islice(entries, AT_ONCE)):
        yield some


def told(batch: Batch) -> dict[str, JsonValue]:
    """What the audit is told of a batch."""
    digest = hashlib.sha256("".join(each.digest for each in batch.taken).encode()).hexdigest()
    first, last = (batch.taken[0].id, batch.taken[-1].id) if batch.taken else ("", "")
    return {"first": first, "last": last, "digest": digest, **batch.counts}


def _announced(work: Work, batch: Batch, announce: bool) -> None:
    if announce:
        for topic, key in batch.announcements:
            work.outbox.add(topic, key)


class CuttingOver:
    """Ends the migration, once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, actor: Actor) -> int | None:
        """From now on nothing is taken over; answers the number of the last change that was.

        Raises:
            MigrationEnded: it ended before.
            NothingToCutOver
        """
        with self._database.audited(actor, "migration.cut_over", "migration") as work:
            require_not_ended(work)
            state = work.migrated.state()
            if state is None:
                raise NothingToCutOver("Nothing was taken over from another directory.")
            work.migrated.cut_over()
            work.audit.details(followed_to=state.followed_to)
            return state.followed_to
