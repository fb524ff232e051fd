"""Publishing: make what the directory holds of one entry equal to what it should be.

Each call reads what is there, works out the difference and applies it, so that a call may be repeated at any
time. Rights vanish before the entries that grant them and parents appear before children: a crash in between
leaves nobody with more than the database gives. Each change is in the change log (``directory.changelog``).

Many entries are read together and written one change after the other; the disk is waited for once for many
(``directory.group_commit``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import ldap3

from directory import names, switching
from directory.changelog import ChangeLog, Clock, Keeping, open_changelog
from directory.changes import Change, ChangeType
from directory.connection import open_session
from directory.entries import Entry, Gone, Record, tree
from directory.errors import DirectoryRefused, DirectoryUnavailable
from directory.group_commit import GroupCommit, read_torn
from directory.locking import locked
from directory.reconnecting import Reconnecting
from directory.writing_session import SEARCHES_AT_ONCE, WritingSession

ORDERED_ATTRIBUTES = frozenset({"nhsAsSvcIA"})
"""Clients rely on the order of these values; of all others an LDAP server keeps no order."""

FOLLOWERS_FILE = "followers-must-read-anew"
"""Lies beside the lock while the content was, or may have been, exchanged and the log does not say so."""

Result = TypeVar("Result")


class Publisher:
    """The one writer of the directory, one write at a time: replication loses entries by concurrent ones.

    Args:
        ldapi_url: the private socket of slapd.
        lock_file: shared with ``rebuild``, which must not run while something is published.
    """

    def __init__(self, ldapi_url: str, lock_file: Path, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._lock_file = lock_file
        self._clock = clock
        self._url = ldapi_url
        self._disk = GroupCommit(lock_file.parent)
        self._planted: WritingSession | None = None
        self._sessions = Reconnecting(self._connect)

    def publish(self, *entries: Entry) -> int:
        """Make the directory's content of these entries equal to them.

        Returns:
            how many entries were written for that; 0 when all were equal already.

        Raises:
            DirectoryUnavailable: slapd does not answer. What was written stays; call again.
            DirectoryRefused: slapd refuses a value; the message says which entry.
        """
        outcomes = self.publish_each(entries)
        self.rest()
        for outcome in outcomes:
            if isinstance(outcome, DirectoryRefused):
                raise outcome
        return sum(outcome for outcome in outcomes if isinstance(outcome, int))

    def publish_each(self, entries: Iterable[Entry]) -> list[int | DirectoryRefused]:
        """As ``publish``, but what slapd refuses of one entry does not hold up the others.

        ``entries`` is read after the wait for whoever else writes: what a generator reads of the database
        then cannot be older than what they wrote.

        Returns:
            for each entry how many were written, or the refusal. The disk may not have it yet: call ``rest``
            when nothing follows. A power cut before leads to a rebuild, which has it all.
        """
        with self._alone():
            listed = list(entries)
            return self._run(lambda session, log: list(_published(session, log, listed)))

    def rest(self) -> None:
        """Wait until everything published is on the disk.

        Raises:
            DirectoryUnavailable: the disk failed. What was published may be lost with the machine's power.
        """
        if self._disk.owes:
            with self._alone():
                self._disk.pay()

    def remove_person(self, uid: str) -> int:
        """Remove a person with all their entries. Returns how many entries were removed."""
        return self.publish(Gone(names.person_dn(uid)))

    def remove_organisation(self, organisation_code: str) -> int:
        """Remove an organisation with its sites and departments."""
        return self.publish(Gone(names.organisation_dn(organisation_code)))

    def remove_system(self, identifier: str) -> int:
        """Remove a system, by ASID or MHS id: its certificate reads nothing from then on."""
        return self.publish(Gone(names.service_dn(identifier)))

    def trim_changelog(self, keeping: Keeping) -> None:
        """Drop what the change log need not keep, in slices between which others may publish."""
        while self._writing(lambda _, log: log.trim(keeping)):
            pass
        self.rest()

    def tell_followers_to_read_anew(self) -> None:
        """Have the change log say that the content was exchanged, as the next change would, too.

        Raises:
            DirectoryUnavailable: slapd does not answer.
        """
        self._writing(lambda *_: None)
        self.rest()

    def answers(self) -> bool:
        """Whether slapd answers a new connection, and its disk has not failed."""
        try:
            self._connect().close()
        except DirectoryUnavailable:
            return False
        return read_torn(self._lock_file.parent) is None

    def close(self) -> None:
        """Close the connection. The next call opens one."""
        self._sessions.close()

    def _connect(self) -> WritingSession:
        return WritingSession(self._url, self._disk.begin)

    def _writing(self, work: Callable[[WritingSession, ChangeLog], Result]) -> Result:
        with self._alone():
            return self._run(work)

    def _run(self, work: Callable[[WritingSession, ChangeLog], Result]) -> Result:
        try:
            return self._sessions.run(lambda session: self._logged(session, work))
        except DirectoryRefused as refused:
            # Of the change log or the fixed branches: a full disk, e.g. It concerns every entry.
            raise DirectoryUnavailable(f"The directory cannot be written now. {refused}") from refused

    def _logged(self, session: WritingSession, work: Callable[[WritingSession, ChangeLog], Result]) -> Result:
        """Do the work on a directory that has the fixed branches, and show followers what it wrote."""
        log = open_changelog(session, self._clock)
        self._disk.go_on(log.last)
        must_read_anew = self._lock_file.with_name(FOLLOWERS_FILE)
        if must_read_anew.exists():
            self._settle()
            log.start_anew()
            must_read_anew.unlink()
        log.finish()
        if self._planted is not session:
            _plant(session, log)
            self._planted = session
        try:
            return work(session, log)
        finally:
            log.show()
            self._disk.wait_at_leisure()

    def _settle(self) -> None:
        with open_session(self._url) as configuring:
            switching.settle(configuring, names.SUFFIX)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for whoever else publishes or rebuilds, and keep them waiting."""
        if not self._lock_file.parent.is_dir():
            raise DirectoryUnavailable(f"There is no directory in {self._lock_file.parent} yet.")
        with locked(self._lock_file, wait=True), closing(self._disk):
            yield


def _published(
    session: WritingSession, log: ChangeLog, entries: Sequence[Entry]
) -> Iterator[int | DirectoryRefused]:
    """Publish in order; what is there is read for some entries together."""
    for some in _apart(entries):
        present = session.search_each([(entry.dn, scope_of(entry)) for entry in some])
        yield from _written(log, some, list(present))


def _apart(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """The entries in their order, in parts that can be read before any of a part is written."""
    part: list[Entry] = []
    for entry in entries:
        if len(part) == SEARCHES_AT_ONCE or any(_may_meet(entry, earlier) for earlier in part):
            yield part
            part = []
        part.append(entry)
    if part:
        yield part


def _written(
    log: ChangeLog, entries: Sequence[Entry], present: Sequence[list[Record] | DirectoryRefused]
) -> Iterator[int | DirectoryRefused]:
    changes = [
        [] if isinstance(found, DirectoryRefused) else list(changes_to_publish(found, entry))
        for entry, found in zip(entries, present, strict=True)
    ]
    for found, written in zip(present, log.write_each(changes), strict=True):
        yield found if isinstance(found, DirectoryRefused) else written


def _may_meet(one: Entry, other: Entry) -> bool:
    """Whether two entries are one, or one lies below the other."""
    first, second = one.dn.casefold(), other.dn.casefold()
    return first == second or first.endswith(f",{second}") or second.endswith(f",{first}")


def _plant(session: WritingSession, log: ChangeLog) -> None:
    """Make sure of the fixed branches."""
    for branch in tree():
        present = session.search(branch.dn, scope=ldap3.BASE)
        for change in _changes_to(branch, next(iter(present), None)):
            log.write(change)


def scope_of(entry: Entry) -> str:
    """How far below its DN an entry reaches."""
    return "SUBTREE" if entry.owns_subtree else "BASE"


def changes_to_publish(present: Iterable[Record], entry: Entry) -> Iterator[Change]:
    """What would make the directory equal to the entry, in the order in which to do it.

    Args:
        present: what the directory holds where the entry reaches.
    """
    left = {record.dn.casefold(): record for record in present}
    for record in entry.records():
        yield from _changes_to(record, left.pop(record.dn.casefold(), None))
    yield from _deletions(record.dn for record in left.values())


def _changes_to(wanted: Record, present: Record | None) -> Iterator[Change]:
    if present is not None and not same_classes(wanted, present):
        # slapd does not change a structural class (RFC 4512 section 2.4.2), so the entry is made again.
        yield Change(present.dn, ChangeType.DELETE, {})
        present = None
    if present is None:
        yield Change(wanted.dn, ChangeType.ADD, wanted.attributes)
        return
    changed = changed_attributes(wanted.attributes, present.attributes)
    if changed:
        values = {name: wanted.attributes.get(name, ()) for name in changed}
        yield Change(wanted.dn, ChangeType.MODIFY, values)


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


def _deletions(dns: Iterable[str]) -> Iterator[Change]:
    """Children first: a child's DN has more parts than its parent's."""
    for dn in sorted(dns, key=lambda dn: dn.count(","), reverse=True):
        yield Change(dn, ChangeType.DELETE, {})
