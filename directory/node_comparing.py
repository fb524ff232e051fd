"""Comparing the servers of a directory with each other, entry by entry, and repairing what differs.

**Why.** slapd 2.5 can lose a change on a replica for good: one that was made while the replica caught up, or
that was committed and not sent when the provider was killed with several writes in flight. The states
(``contextCSN``) are equal afterwards, and later changes do not bring it. So (entryUUID, entryCSN) of all
entries are compared, the provider's being right.

**Repair.** What a replica lacks or has otherwise is *touched* at the provider: written again as it is, which
sends the whole entry anew. What a replica has too much takes a *refresh*: its slapd is started with the
state of long ago, compares every entry with the provider's, and drops the rest.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import ldap3

from directory.comparing import Kind
from directory.configuration import REPLICATED
from directory.connection import Session

PATIENCE_SECONDS = 5.0
"""How long a change may be on its way before a difference counts as one."""
_LOOK_AGAIN_SECONDS = 0.1
_IDENTITY = ("entryUUID", "entryCSN")


@dataclass(frozen=True)
class Divergence:
    """An entry that a replica holds otherwise than the provider, or that only one of the two holds."""

    kind: Kind
    dn: str
    entry_uuid: str
    suffix: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.dn}"


def divergences(provider: Session, replica: Session, patience: float = PATIENCE_SECONDS) -> list[Divergence]:
    """Every entry that the two hold differently, and go on holding differently for ``patience`` seconds.

    Raises:
        DirectoryUnavailable, DirectoryRefused: one cannot be read. Nothing is concluded from that.
    """
    found = [each for suffix in REPLICATED for each in _first_look(provider, replica, suffix)]
    deadline = time.monotonic() + patience
    while found and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_SECONDS)
        found = [each for each in found if _still_differs(provider, replica, each)]
    return found


def _first_look(provider: Session, replica: Session, suffix: str) -> Iterator[Divergence]:
    with contextlib.closing(_Listing()) as listing:
        listing.put_down(_identities(provider, suffix))
        for dn, uuid, csn in _identities(replica, suffix):
            kind = listing.check(uuid, csn)
            if kind is not None:
                yield Divergence(kind, dn, uuid, suffix)
        for dn, uuid in listing.never_seen():
            yield Divergence(Kind.MISSING, dn, uuid, suffix)


def _identities(session: Session, suffix: str) -> Iterator[tuple[str, str, str]]:
    for record in session.stream(suffix, attributes=_IDENTITY):
        yield record.dn, record.attributes["entryUUID"][0], record.attributes["entryCSN"][0]


def _still_differs(provider: Session, replica: Session, seen: Divergence) -> bool:
    return _csn(provider, seen) != _csn(replica, seen)


def _csn(session: Session, seen: Divergence) -> str | None:
    found = session.search(seen.suffix, f"(entryUUID={seen.entry_uuid})", attributes=_IDENTITY)
    return found[0].attributes["entryCSN"][0] if found else None


class _Listing:
    """The provider's entries by entryUUID, in a temporary SQLite file that nobody else sees."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("CREATE TABLE listed (uuid TEXT PRIMARY KEY, csn TEXT, dn TEXT) WITHOUT ROWID")

    def put_down(self, identities: Iterable[tuple[str, str, str]]) -> None:
        rows = ((uuid, csn, dn) for dn, uuid, csn in identities)
        self._file.execute("BEGIN")
        self._file.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?, ?)", rows)
        self._file.execute("COMMIT")

    def check(self, uuid: str, csn: str) -> Kind | None:
        row = self._file.execute("DELETE FROM listed WHERE uuid = ? RETURNING csn", (uuid,)).fetchone()
        if row is None:
            return Kind.UNEXPECTED
        return None if row[0] == csn else Kind.DIFFERENT

    def never_seen(self) -> Iterator[tuple[str, str]]:
        yield from self._file.execute("SELECT dn, uuid FROM listed")

    def close(self) -> None:
        self._file.close()


def touch(provider: Session, found: Iterable[Divergence]) -> int:
    """Write what replicas lack again, as it is, parents first. Returns how many entries were written.

    Only for whoever holds the publishing lock.
    """
    lacking = (each.dn for each in found if each.kind is not Kind.UNEXPECTED)
    return sum(_write_again(provider, dn) for dn in sorted(lacking, key=lambda dn: dn.count(",")))


def _write_again(provider: Session, dn: str) -> bool:
    present = provider.search(dn, scope=ldap3.BASE, attributes=("objectClass",))
    if present:
        provider.replace(dn, {"objectClass": present[0].attributes["objectClass"]})
    return bool(present)


def repair(provider: Session, found: Iterable[Divergence], refresh: Callable[[], None]) -> None:
    """Mend what was found; look again afterwards. Only for whoever holds the publishing lock.

    Args:
        refresh: has the replica compare every entry with the provider's; called when it holds too much.
    """
    listed = list(found)
    touch(provider, listed)
    if any(each.kind is Kind.UNEXPECTED for each in listed):
        refresh()
