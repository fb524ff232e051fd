"""Carries what the outbox announces to the directory, and rebuilds or compares the whole of it.

Every handler reads the database as it is now and makes the directory's entry equal to it, so that it may be
called again, late, or twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from app.adapters.directory_entries import (
    all_entries,
    followers_entry,
    organisation_entry,
    reference_entries,
    system_entry,
)
from app.adapters.person_entries import person_entry
from app.errors import Unavailable
from app.storage.database import Database
from app.storage.outbox import OutboxRow
from app.storage.work import Work
from directory.comparing import Difference, compare
from directory.connection import open_session
from directory.entries import Entry
from directory.errors import DirectoryUnavailable
from directory.publishing import Publisher
from directory.rebuilding import rebuild
from directory.slapd import Slapd

Handler = Callable[[OutboxRow], None]


class DirectoryPublishing:
    """The directory's side of the outbox.

    Args:
        database: what the directory is made equal to.
        publisher: the directory's one writer.
    """

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What to call for each topic. Each raises Unavailable while slapd does not answer."""
        publisher = self._publisher
        return {
            "directory.person": self._handler(person_entry, publisher.remove_person),
            "directory.organisation": self._handler(organisation_entry, publisher.remove_organisation),
            "directory.system": self._publish_system,
            "directory.reference": self._publish_reference,
        }

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

    def _handler(
        self, entry_of: Callable[[Work, str], Entry | None], remove: Callable[[str], int]
    ) -> Handler:
        def make_equal(row: OutboxRow) -> None:
            with self._database.read() as work:
                entry = entry_of(work, row.key)
            with _outage_named():
                if entry is None:
                    remove(row.key)
                else:
                    self._publisher.publish(entry)

        return make_equal

    def _publish_system(self, row: OutboxRow) -> None:
        self._handler(system_entry, self._publisher.remove_system)(row)
        with self._database.read() as work:
            followers = followers_entry(work)
        with _outage_named():
            self._publisher.publish(followers)

    def _publish_reference(self, _: OutboxRow) -> None:
        with self._database.read() as work:
            entries = list(reference_entries(work))
        with _outage_named():
            self._publisher.publish(*entries)

    def _snapshot(self) -> Iterator[Entry]:
        with self._database.read() as work:
            yield from all_entries(work)


@contextmanager
def _outage_named() -> Iterator[None]:
    try:
        yield
    except DirectoryUnavailable as outage:
        raise Unavailable(
            "directory",
            "The directory cannot be reached. What was to be published is kept and will be published"
            " when it is back.",
        ) from outage
