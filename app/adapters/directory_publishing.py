"""Carries what the outbox announces to the directory, and rebuilds or compares the whole of it.

Rows are carried by the hundred: what they announce is read from one snapshot of the database, as it is now,
and the directory made equal to it. So a row may be carried again, late, or twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from app.adapters.announced_entries import TOPICS, AnnouncedEntries
from app.adapters.directory_entries import all_entries
from app.errors import Unavailable
from app.storage.database import Database
from app.storage.outbox import OutboxRow
from directory.changelog import Keeping
from directory.comparing import Difference, compare
from directory.connection import open_session
from directory.entries import Entry
from directory.errors import DirectoryError, DirectoryUnavailable
from directory.publishing import Publisher
from directory.rebuilding import rebuild
from directory.slapd import Slapd


class DirectoryPublishing:
    """The directory's side of the outbox.

    Args:
        database: what the directory is made equal to.
        publisher: the directory's one writer.
    """

    topics = TOPICS
    at_once = 200

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    def carry(self, rows: Sequence[OutboxRow]) -> Iterator[tuple[OutboxRow, str | None]]:
        """Make the directory equal to the database for what the rows announce.

        Yields:
            each row, with the error of what could not be published.

        Raises:
            Unavailable: slapd or the database does not answer.
        """
        try:
            yield from self._carried(rows)
        except DirectoryUnavailable as outage:
            if len(rows) == 1 or not self._publisher.answers():
                raise _named(outage) from outage
            # It answers, and still one row broke the connection: the others must not wait for that one.
            for row in rows:
                yield from self._carried_alone(row)

    def _carried(self, rows: Sequence[OutboxRow]) -> list[tuple[OutboxRow, str | None]]:
        announced = AnnouncedEntries(rows)
        outcomes = self._publisher.publish_each(announced.read(self._database))
        errors = announced.errors
        for row, outcome in zip(announced.rows, outcomes, strict=True):
            if isinstance(outcome, DirectoryError):
                errors.setdefault(row.id, f"{type(outcome).__name__}: {outcome}")
        return [(row, errors.get(row.id)) for row in rows]

    def _carried_alone(self, row: OutboxRow) -> list[tuple[OutboxRow, str | None]]:
        try:
            return self._carried([row])
        except DirectoryUnavailable as broken:
            return [(row, f"{type(broken).__name__}: {broken}")]

    def rest(self) -> None:
        """Wait until the disk has what was carried.

        Raises:
            Unavailable: the disk failed, or is full.
        """
        with _outage_named():
            self._publisher.rest()

    def trim_changelog(self) -> None:
        """Drop of the change log what is old.

        Raises:
            Unavailable: slapd does not answer.
        """
        with _outage_named():
            self._publisher.trim_changelog(Keeping())

    def rebuild(self, slapd: Slapd, progress: Callable[[int], None] | None = None) -> int:
        """Make the whole directory anew from one snapshot of the database. Returns the number of records.

        Raises:
            directory.errors.SlapdFailed: slapadd refuses a record; the directory stays as it was.
        """
        return rebuild(slapd, self._snapshot(), progress)

    def compare(self, ldapi_url: str) -> Iterator[Difference]:
        """Every difference between the database and the directory.

        Raises:
            Unavailable: slapd does not answer.
        """
        with _outage_named(), open_session(ldapi_url) as session:
            yield from compare(self._snapshot(), session)

    def _snapshot(self) -> Iterator[Entry]:
        with self._database.read() as work:
            yield from all_entries(work)


@contextmanager
def _outage_named() -> Iterator[None]:
    try:
        yield
    except DirectoryUnavailable as outage:
        raise _named(outage) from outage


def _named(outage: DirectoryUnavailable) -> Unavailable:
    return Unavailable(
        "directory",
        "The directory cannot be reached. What was to be published is kept and will be published"
        f" when it is back. ({outage})",
    )
