"""From announcements in the outbox to the directory's entries, many announcements read from one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from sqlalchemy.exc import DBAPIError

from app.adapters.directory_entries import (
    followers_entry,
    organisation_entry,
    reference_entries,
    system_entry,
)
from app.adapters.person_entries import person_entries, person_entry
from app.storage.database import Database
from app.storage.outbox import OutboxRow
from app.storage.work import Work
from directory import names
from directory.entries import Entry, Gone
from directory.errors import InvalidIdentifier

PERSON, SYSTEM = "directory.person", "directory.system"
ORGANISATION, REFERENCE = "directory.organisation", "directory.reference"

_Reading = Callable[[Work, str], Entry | None]
_ONE: Mapping[str, tuple[_Reading, Callable[[str], str]]] = {
    PERSON: (person_entry, names.person_dn),
    ORGANISATION: (organisation_entry, names.organisation_dn),
    SYSTEM: (system_entry, names.service_dn),
}
TOPICS = (*_ONE, REFERENCE)


def announced_by(dn: str) -> tuple[str, str] | None:
    """Topic and key that announce the entry of this name; None when it is a name that nobody publishes."""
    value = dn.partition(",")[0].partition("=")[2]
    for topic, (_, dn_of) in _ONE.items():
        with suppress(InvalidIdentifier):
            if dn_of(value).casefold() == dn.casefold():
                return topic, value
    return None


class AnnouncedEntries:
    """What rows of the outbox announce.

    Attributes:
        rows: for each entry that was read, the row that announces it.
        errors: why a row's entries could not be made, by the row's id.
    """

    def __init__(self, announced: Sequence[OutboxRow]) -> None:
        self._announced = announced
        self.rows: list[OutboxRow] = []
        self.errors: dict[int, str] = {}

    def read(self, database: Database) -> Iterator[Entry]:
        """The entries as the database has them now; of what is no more, that it is gone.

        Raises:
            Unavailable: the database is down.
        """
        with database.read() as work:
            people = self._people(work)
            for row in self._announced:
                for entry in self._made(work, row, people):
                    self.rows.append(row)
                    yield entry
            yield from self._followers(work)

    def _followers(self, work: Work) -> Iterator[Entry]:
        """Who may follow the change log, which a change of any system may change."""
        systems = [row for row in self._announced if row.topic == SYSTEM]
        if systems:
            self.rows.append(systems[-1])
            yield followers_entry(work)

    def _people(self, work: Work) -> Mapping[str, Entry]:
        uids = [row.key for row in self._announced if row.topic == PERSON]
        try:
            return {entry.uid: entry for entry in person_entries(work, uids)}
        except DBAPIError:
            raise
        except Exception:  # one of them cannot be made: each is made alone, and says so itself
            return {}

    def _made(self, work: Work, row: OutboxRow, people: Mapping[str, Entry]) -> list[Entry]:
        try:
            return _entries(work, row, people)
        except DBAPIError:
            raise
        except Exception as fault:
            self.errors[row.id] = f"{type(fault).__name__}: {fault}"
            return []


def _entries(work: Work, row: OutboxRow, people: Mapping[str, Entry]) -> list[Entry]:
    if row.topic == REFERENCE:
        return list(reference_entries(work, row.key))
    reading, dn_of = _ONE[row.topic]
    known = people.get(row.key) if row.topic == PERSON else None
    return [known or reading(work, row.key) or Gone(dn_of(row.key))]
