"""The change log ``cn=Changelog,o=nhs``: every change that was published, by contiguous numbers.

For followers that keep a copy. The base entry says which numbers are held; a follower reads each
``changenumber=N`` after the last one it has, up to ``lastchangenumber``. When the next number that it needs
is below ``firstchangenumber``, it has missed changes (they were trimmed, or the directory was rebuilt) and
reads the tree anew, from ``lastchangenumber`` as it was before it began to read.

**Crash safety**: the log is written ahead. A change is logged first, then applied, and ``lastchangenumber``
moves after that. What stands above ``lastchangenumber`` was logged and perhaps applied when the publisher or
slapd died: whoever writes next applies it again (which is harmless) and shows it. So nothing applied is
missing in the log, nothing in the log is not applied, no number is left out or used twice.

At most one change is logged ahead of the one that is being applied. When slapd refuses the one, both are
taken back, the later number first, and so they are by whoever finds them after a crash. One that was applied
is never refused again with no more than one other behind it, which cannot have removed its ground.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import ldap3

from directory.changes import Change, ChangeType, Writing, change_of
from directory.entries import Record, record
from directory.errors import DirectoryRefused
from directory.names import CHANGELOG, SUFFIX, change_dn

REMOVED_AT_ONCE = 500
Clock = Callable[[], datetime]


class ReadingAndWriting(Writing, Protocol):
    """The session that the log is written by."""

    def search(self, base: str, *, scope: str, attributes: Sequence[str] = ("*",)) -> list[Record]: ...
    def write_side_by_side(self, *works: Callable[[Writing], None]) -> list[DirectoryRefused | None]: ...


@dataclass(frozen=True)
class Keeping:
    """How much of the log is kept: at most so many changes, none older than that."""

    changes: int = 1_000_000
    age: timedelta = timedelta(days=90)


class ChangeLog:
    """The log as its one writer has it open. Hold the publishing lock; open it anew after each wait for it.

    Attributes:
        first: the lowest number held, ``last`` + 1 when none is.
        last: the highest number shown to followers.
    """

    def __init__(self, session: ReadingAndWriting, first: int, last: int, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self.first = first
        self.last = last
        self._top = last

    def write(self, change: Change) -> None:
        """Log a change, then apply it. Followers are told at the next ``show``.

        Raises:
            DirectoryRefused: slapd refuses the change. It is not in the log.
            DirectoryUnavailable: the connection broke; whoever opens the log next finishes this change.
        """
        number = self._top + 1
        self._log(number, change)
        try:
            change.apply(self._session)
        except DirectoryRefused:
            self._session.delete(change_dn(number))
            raise
        self._top = number

    def write_each(self, groups: Sequence[Sequence[Change]]) -> list[int | DirectoryRefused]:
        """Write groups of changes in order. What slapd refuses ends its group alone.

        While a change is applied, the next one is logged: two writes, but to different databases.

        Returns:
            for each group how many changes were written, or the refusal.

        Raises:
            DirectoryUnavailable: as ``write``.
        """
        counts, refusals = [0] * len(groups), dict[int, DirectoryRefused]()
        left = deque((place, change) for place, group in enumerate(groups) for change in group)
        is_logged = False
        while left:
            place, change = left.popleft()
            try:
                if not is_logged:
                    self._log(self._top + 1, change)
                is_logged = self._apply(change, left[0][1] if left else None)
                counts[place] += 1
            except DirectoryRefused as refused:
                self._take_back()
                refusals[place], is_logged = refused, False
                left = deque(each for each in left if each[0] != place)
        return [refusals.get(place, count) for place, count in enumerate(counts)]

    def _apply(self, change: Change, ahead: Change | None) -> bool:
        """Apply what was logged last, and log what comes after it. Whether that is logged."""
        if ahead is None:
            change.apply(self._session)
            self._top += 1
            return False
        entry = self._entry(self._top + 2, ahead)
        refused, log_refused = self._session.write_side_by_side(change.apply, lambda to: to.add(entry))
        if refused is not None:
            raise refused
        self._top += 1
        return log_refused is None

    def _take_back(self) -> None:
        """Delete what was logged and refused, and before it what was logged ahead of that."""
        for number in (self._top + 2, self._top + 1):
            self._session.delete(change_dn(number))

    def show(self) -> None:
        """Tell followers of everything written."""
        if self._top > self.last:
            self._session.replace(CHANGELOG, {"lastchangenumber": (str(self._top),)})
            self.last = self._top

    def finish(self) -> None:
        """Apply and show what somebody logged who died before it was shown."""
        while logged := self._read(self._top + 1):
            try:
                _change(logged).apply_again(self._session)
            except DirectoryRefused:
                if not self._read(self._top + 3):  # they died before they could take it back
                    self._take_back()
                    break
            self._top += 1
        self.show()

    def start_anew(self) -> None:
        """Tell every follower to read the tree anew: no change that is held leads to what is there now.

        Even one that has followed to the end must notice, so a number is spent that nobody can have read.
        """
        while self._read(self._top + 1):
            self._top += 1
        spent = self._top + 1
        self._log(spent, Change(SUFFIX, ChangeType.MODIFY, {}))
        numbers = {"firstchangenumber": (str(spent + 1),), "lastchangenumber": (str(spent),)}
        self._session.replace(CHANGELOG, numbers)
        self.first, self.last, self._top = spent + 1, spent, spent

    def trim(self, keeping: Keeping) -> bool:
        """Drop what need not be kept. Whether there is more to drop: call again."""
        oldest = self._first_since(self._clock() - keeping.age)
        first = max(self.first, oldest, self.last + 1 - keeping.changes)
        if first > self.first:
            # Followers are told before the first entry goes.
            self._session.replace(CHANGELOG, {"firstchangenumber": (str(first),)})
            self.first = first
        return self._remove_dropped()

    def _remove_dropped(self) -> bool:
        """Remove some entries below ``first``, from the lowest up, so that a crash leaves no hole."""
        lowest = self._bisect(1, self.first, lambda number: self._read(number) is not None)
        beyond = min(self.first, lowest + REMOVED_AT_ONCE)
        for number in range(lowest, beyond):
            self._session.delete(change_dn(number))
        return beyond < self.first

    def _first_since(self, oldest: datetime) -> int:
        since = _changed_at(oldest)

        def is_kept(number: int) -> bool:
            logged = self._read(number)
            return logged is not None and logged.attributes["changeTime"][0] >= since

        return self._bisect(self.first, self.last + 1, is_kept)

    def _bisect(self, low: int, high: int, holds: Callable[[int], bool]) -> int:
        """The lowest number from ``low`` for which it holds, ``high`` if none: once it does, it goes on."""
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(middle) else (middle + 1, high)
        return low

    def _log(self, number: int, change: Change) -> None:
        self._session.add(self._entry(number, change))

    def _entry(self, number: int, change: Change) -> Record:
        return _entry(number, change.told(), self._clock())

    def _read(self, number: int) -> Record | None:
        return _read(self._session, change_dn(number))


def open_changelog(session: ReadingAndWriting, clock: Clock) -> ChangeLog:
    """The log, made when there is none. What is above ``last`` is left to ``finish`` or ``start_anew``."""
    base = _read(session, CHANGELOG)
    if base is None:
        base = empty_changelog(0)
        session.add(base)
    first, last = (int(base.attributes[name][0]) for name in ("firstchangenumber", "lastchangenumber"))
    return ChangeLog(session, first, last, clock)


def empty_changelog(last: int) -> Record:
    """The base entry of a log that holds nothing and goes on after the number ``last``."""
    attributes = {
        "objectClass": ("top", "nhsExternalChangelog"),
        "cn": "Changelog",
        "firstchangenumber": str(last + 1),
        "lastchangenumber": str(last),
    }
    return record(CHANGELOG, attributes)


def _read(session: ReadingAndWriting, dn: str) -> Record | None:
    return next(iter(session.search(dn, scope=ldap3.BASE)), None)


def _entry(number: int, change: Change, at: datetime) -> Record:
    attributes = {
        "objectClass": ("top", "changeLogEntry", "nhsExternalChangelogEntry"),
        "changenumber": (str(number),),
        "changeType": (change.type.value,),
        "targetDN": (change.dn,),
        "changeTime": (_changed_at(at),),
    }
    changes = change.ldif()
    return Record(change_dn(number), attributes | ({"changes": (changes,)} if changes else {}))


def _changed_at(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%SZ}"


def _change(logged: Record) -> Change:
    dn, kind = (logged.attributes[name][0] for name in ("targetDN", "changeType"))
    return change_of(dn, kind, logged.attributes.get("changes", ("",))[0])
