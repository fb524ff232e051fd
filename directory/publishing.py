"""Publishing: make what the directory holds of one entry equal to what it should be.

Each call reads what is there, works out the difference and applies it, so that a call may be repeated at any
time. Rights vanish before the entries that grant them and parents appear before children: a crash in between
leaves nobody with more than the database gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import ldap3

from directory import names
from directory.connection import Reconnecting, Session, open_session
from directory.entries import Entry, Record, tree
from directory.errors import DirectoryUnavailable
from directory.locking import locked

ORDERED_ATTRIBUTES = frozenset({"nhsAsSvcIA"})
"""Clients rely on the order of these values; of all others an LDAP server keeps no order."""


class Publisher:
    """The one writer of the directory, one write at a time: replication loses entries by concurrent ones.

    Args:
        ldapi_url: the private socket of slapd.
        lock_file: shared with ``rebuild``, which must not run while something is published.
    """

    def __init__(self, ldapi_url: str, lock_file: Path) -> None:
        self._lock_file = lock_file
        self._sessions = Reconnecting(lambda: _session_with_tree(ldapi_url))

    def publish(self, *entries: Entry) -> int:
        """Make the directory's content of these entries equal to them.

        Returns:
            how many LDAP writes that took; 0 when all were equal already.

        Raises:
            DirectoryUnavailable: slapd does not answer. What was written stays; call again.
            DirectoryRefused: slapd refuses a value; the message says which entry.
        """
        with self._alone():
            return sum(self._publish_one(entry) for entry in entries)

    def remove_person(self, uid: str) -> int:
        """Remove a person with all their entries. Returns how many entries were removed."""
        return self._remove(names.person_dn(uid))

    def remove_organisation(self, organisation_code: str) -> int:
        """Remove an organisation with its sites and departments."""
        return self._remove(names.organisation_dn(organisation_code))

    def remove_system(self, identifier: str) -> int:
        """Remove a system, by ASID or MHS id: its certificate reads nothing from then on."""
        return self._remove(names.service_dn(identifier))

    def close(self) -> None:
        """Close the connection. The next call opens one."""
        self._sessions.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for whoever else publishes or rebuilds, and keep them waiting."""
        if not self._lock_file.parent.is_dir():
            raise DirectoryUnavailable(f"There is no directory in {self._lock_file.parent} yet.")
        with locked(self._lock_file, wait=True):
            yield

    def _publish_one(self, entry: Entry) -> int:
        return self._sessions.run(lambda session: _publish(session, entry))

    def _remove(self, dn: str) -> int:
        with self._alone():
            return self._sessions.run(lambda session: _remove_subtree(session, dn))


def _session_with_tree(ldapi_url: str) -> Session:
    """A session on a directory that has the fixed branches."""
    session = open_session(ldapi_url)
    for branch in tree():
        if not session.search(branch.dn, scope=ldap3.BASE, attributes=("1.1",)):
            session.add(branch)
    return session


def _publish(session: Session, entry: Entry) -> int:
    scope = ldap3.SUBTREE if entry.owns_subtree else ldap3.BASE
    present = {record.dn.casefold(): record for record in session.search(entry.dn, scope=scope)}
    wanted = list(entry.records())
    writes = sum(_write(session, record, present.get(record.dn.casefold())) for record in wanted)
    kept = {record.dn.casefold() for record in wanted}
    return writes + _delete(session, (dn for dn in present if dn not in kept))


def _write(session: Session, wanted: Record, present: Record | None) -> int:
    if present is not None and not same_classes(wanted, present):
        # slapd does not change a structural class (RFC 4512 section 2.4.2), so the entry is made again.
        session.delete(present.dn)
        present = None
    if present is None:
        session.add(wanted)
        return 1
    changed = changed_attributes(wanted.attributes, present.attributes)
    if changed:
        session.replace(wanted.dn, {name: wanted.attributes.get(name, ()) for name in changed})
    return 1 if changed else 0


def same_classes(one: Record, other: Record) -> bool:
    """Whether two records have the same object classes."""
    return set(one.attributes["objectClass"]) == set(other.attributes["objectClass"])


def changed_attributes(
    wanted: Mapping[str, tuple[str, ...]], present: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Names of the attributes whose values differ, sorted. Order counts where clients rely on it."""
    return sorted(name for name in wanted.keys() | present.keys() if _differs(name, wanted, present))


def _differs(
    name: str, wanted: Mapping[str, tuple[str, ...]], present: Mapping[str, tuple[str, ...]]
) -> bool:
    one, other = wanted.get(name, ()), present.get(name, ())
    return one != other if name in ORDERED_ATTRIBUTES else set(one) != set(other)


def _remove_subtree(session: Session, dn: str) -> int:
    return _delete(session, (record.dn for record in session.search(dn, attributes=("1.1",))))


def _delete(session: Session, dns: Iterable[str]) -> int:
    """Delete entries, children first: a child's DN has more parts than its parent's."""
    listed = sorted(dns, key=lambda dn: dn.count(","), reverse=True)
    for dn in listed:
        session.delete(dn)
    return len(listed)
