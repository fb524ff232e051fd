"""A follower's copy of the tree, in one SQLite file, with the cookie that says how far it has come.

An entry and the cookie that came with it are one transaction: a follower that is killed goes on where it was.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from directory.client.responses import FoundEntry
from directory.csn import merged

_TABLES = """
    CREATE TABLE IF NOT EXISTS entry (
        uuid TEXT PRIMARY KEY, dn TEXT NOT NULL, attributes TEXT NOT NULL, refresh INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state (refresh INTEGER NOT NULL, csns TEXT NOT NULL);
    INSERT INTO state SELECT 0, '' WHERE NOT EXISTS (SELECT 1 FROM state);
"""


class DirectoryCopy:
    """The copy in a file, for one follower at a time.

    Args:
        file: made when it does not exist. It is as secret as what the follower may read.
    """

    def __init__(self, file: Path) -> None:
        file.touch(mode=0o600)
        self._file = sqlite3.connect(file, isolation_level=None)
        self._file.executescript(f"PRAGMA journal_mode = WAL; {_TABLES}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> DirectoryCopy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """How many entries it holds."""
        return int(self._file.execute("SELECT count(*) FROM entry").fetchone()[0])

    def entries(self) -> Iterator[FoundEntry]:
        """Everything it holds, in no order."""
        for dn, attributes in self._file.execute("SELECT dn, attributes FROM entry"):
            yield FoundEntry(dn, _attributes(attributes))

    def cookie(self) -> str | None:
        """What to show the server to go on from here; None when it holds nothing whole yet."""
        csns = self._file.execute("SELECT csns FROM state").fetchone()[0]
        return f"rid=000,csn={csns}" if csns else None

    def begin_refresh(self) -> None:
        """From here on, note which entries are named."""
        self._file.execute("UPDATE state SET refresh = refresh + 1")

    def forget_cookie(self) -> None:
        """The server cannot go on from it."""
        self._file.execute("UPDATE state SET csns = ''")

    def put(self, uuid: str, entry: FoundEntry, cookie: str | None) -> None:
        """Hold an entry as it is now."""
        values = (uuid, entry.dn, json.dumps(dict(entry.attributes)))
        with self._together():
            self._file.execute("INSERT OR REPLACE INTO entry SELECT ?, ?, ?, refresh FROM state", values)
            self._save(cookie)

    def keep(self, uuids: tuple[str, ...]) -> None:
        """Note that these are still there."""
        with self._together():
            self._file.executemany(
                "UPDATE entry SET refresh = (SELECT refresh FROM state) WHERE uuid = ?",
                ((uuid,) for uuid in uuids),
            )

    def drop(self, uuids: tuple[str, ...], cookie: str | None) -> list[str]:
        """Hold these no longer. Returns the DNs of those that were held."""
        with self._together():
            dropped = [dn for uuid in uuids for dn in self._drop("uuid = ?", uuid)]
            self._save(cookie)
        return dropped

    def drop_unnamed(self) -> list[str]:
        """Hold no longer what was not named since ``begin_refresh``. Returns the DNs."""
        with self._together():
            return list(self._drop("refresh < (SELECT refresh FROM state)"))

    def save(self, cookie: str | None) -> None:
        """Remember how far it has come."""
        with self._together():
            self._save(cookie)

    def _drop(self, which: str, *values: str) -> Iterator[str]:
        found = self._file.execute(f"DELETE FROM entry WHERE {which} RETURNING dn", values)  # noqa: S608
        return (dn for (dn,) in found.fetchall())

    def _save(self, cookie: str | None) -> None:
        """Merged with what is known: while it follows, the server sends only what has changed of its state.

        Taken as it comes, such a cookie would make the server send everything again.
        """
        if cookie is None:
            return
        known = self._file.execute("SELECT csns FROM state").fetchone()[0]
        newest = merged(_csns(known), _csns(_part(cookie, "csn")))
        listed = ";".join(newest[server_id] for server_id in sorted(newest))
        self._file.execute("UPDATE state SET csns = ?", (listed,))

    def _together(self) -> _Transaction:
        return _Transaction(self._file)


class _Transaction:
    """BEGIN IMMEDIATE, then COMMIT, or ROLLBACK on an error."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def __enter__(self) -> None:
        self._file.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._file.execute("COMMIT" if kind is None else "ROLLBACK")


def _attributes(text: str) -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in json.loads(text).items()}


def _csns(text: str) -> list[str]:
    return [csn for csn in text.split(";") if csn]


def _part(cookie: str, name: str) -> str:
    """One part of slapd's cookie: ``rid=000,sid=001,csn=…;…``."""
    parts = dict(part.partition("=")[::2] for part in cookie.split(","))
    return parts.get(name, "")
