"""Comparing: what the directory holds against what it should hold, both streamed, in bounded memory."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import ldap3

from directory import names
from directory.connection import Session
from directory.entries import Entry, Record, tree
from directory.publishing import changed_attributes, changes_to_publish, scope_of

NAMES_AT_ONCE = 200


class Kind(StrEnum):
    """In which way an entry differs."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Difference:
    """One entry that is not as it should be. ``attributes`` names those that differ."""

    dn: str
    kind: Kind
    attributes: tuple[str, ...] = ()

    def __str__(self) -> str:
        differing = f" ({', '.join(self.attributes)})" if self.attributes else ""
        return f"{self.kind}: {self.dn}{differing}"


def compare(entries: Iterable[Entry], session: Session) -> Iterator[Difference]:
    """Yield every difference between ``entries`` and the directory.

    The two sides come in different orders, so what should be is put down in a temporary file first and
    looked up while the directory is read. A change made meanwhile can show as a difference; compare that
    entry again.

    Raises:
        DirectoryUnavailable, DirectoryRefused: the directory cannot be read. Nothing is concluded from that.
    """
    with contextlib.closing(_Expected()) as expected:
        expected.put_down(entries)
        for record in session.stream(names.SUFFIX):
            difference = expected.check(record)
            if difference is not None:
                yield difference
        yield from expected.never_seen()


def differs(session: Session, entry: Entry) -> bool:
    """Whether the directory is not as ``entry`` says: publishing it would change something."""
    present = session.search(entry.dn, scope=scope_of(entry))
    return next(changes_to_publish(present, entry), None) is not None


def names_below(session: Session, base: str) -> Iterator[list[str]]:
    """The names of the entries directly below ``base``, some hundred at a time."""
    found = (record.dn for record in session.stream(base, scope=ldap3.LEVEL, attributes=("1.1",)))
    while some := list(itertools.islice(found, NAMES_AT_ONCE)):
        yield some


class _Expected:
    """What should be, by DN, in a temporary SQLite file that nobody else sees."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)  # "" is a temporary file, deleted on close
        self._file.execute("PRAGMA journal_mode = OFF")
        columns = "dn TEXT PRIMARY KEY, shown TEXT, attributes TEXT"
        self._file.execute(f"CREATE TABLE expected ({columns}) WITHOUT ROWID")

    def put_down(self, entries: Iterable[Entry]) -> None:
        """Remember the fixed branches and all records of ``entries``."""
        records = (record for entry in entries for record in entry.records())
        self._file.execute("BEGIN")
        for record in itertools.chain(tree(), records):
            self._insert(record)
        self._file.execute("COMMIT")

    def check(self, present: Record) -> Difference | None:
        """Compare one entry of the directory, and tick it off."""
        key = present.dn.casefold()
        row = self._file.execute("DELETE FROM expected WHERE dn = ? RETURNING attributes", (key,)).fetchone()
        if row is None:
            return Difference(present.dn, Kind.UNEXPECTED)
        wanted = {name: tuple(values) for name, values in json.loads(row[0]).items()}
        changed = changed_attributes(wanted, present.attributes)
        return Difference(present.dn, Kind.DIFFERENT, tuple(changed)) if changed else None

    def never_seen(self) -> Iterator[Difference]:
        """What was not ticked off."""
        for (dn,) in self._file.execute("SELECT shown FROM expected ORDER BY dn"):
            yield Difference(dn, Kind.MISSING)

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    def _insert(self, record: Record) -> None:
        values = (record.dn.casefold(), record.dn, json.dumps(dict(record.attributes)))
        self._file.execute("INSERT OR REPLACE INTO expected VALUES (?, ?, ?)", values)
