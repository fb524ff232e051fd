"""Compares the directory with the database continually, in slices, and mends what differs.

First every key of the database (people, organisations, systems, reference data), each compared as publishing
would do it; then the names in the directory that the database does not know. What differs is looked at twice,
and not while an announcement of it waits or was just carried: what is left has no good reason. The publisher
is the only writer and knows what should be there, so announcing the key again mends it. An entry at a place
of nobody's is not mended but raised: an audit event, and ``spine-ra health`` until it is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta

from app.adapters.announced_entries import (
    ORGANISATION,
    PERSON,
    REFERENCE,
    SYSTEM,
    AnnouncedEntries,
    announced_by,
)
from app.adapters.directory_entries import reference_entries
from app.domain.actor import Actor
from app.errors import Unavailable
from app.storage.comparisons import Comparison
from app.storage.database import Database
from app.storage.outbox import OutboxRow
from app.storage.work import Work
from directory import names
from directory.comparing import differs, names_below
from directory.connection import Session
from directory.entries import tree
from directory.errors import DirectoryUnavailable

Key = tuple[str, str]
"""Topic and key of an announcement."""

AT_ONCE = 200
SETTLES_WITHIN = timedelta(minutes=1)
"""An announcement carried so lately may explain a difference that was read before it."""
_NAMED = 20


class ContinualComparing:
    """Goes round and round, a slice at each call.

    Args:
        connect: opens a session that reads everything.
    """

    def __init__(self, database: Database, connect: Callable[[], Session]) -> None:
        self._database = database
        self._connect = connect
        self._round: Iterator[None] = iter(())

    def compare_some(self) -> None:
        """Compare the next slice; after the last, begin again.

        Raises:
            Unavailable: the directory or the database does not answer. The next call begins a new round.
        """
        with self._database.read() as work:
            if not work.sweeps.is_current():  # roles that began or ended today are still to be announced
                return
        try:
            if next(self._round, "ended") == "ended":
                self._round = self._slices()
                next(self._round, None)
        except DirectoryUnavailable as outage:
            raise Unavailable("directory", f"The directory cannot be compared: {outage}") from outage

    def compare_all(self) -> Comparison:
        """A whole round at once, and what came of it."""
        for _ in self._slices():
            pass
        with self._database.read() as work:
            found = work.comparisons.newest()
        assert found is not None
        return found

    def _slices(self) -> Iterator[None]:
        compared = mended = 0
        for keys in self._known_keys():
            mended += self._mend(self._differing(keys))
            compared += len(keys)
            yield
        strangers: list[str] = []
        for dns in self._names():
            mended += self._mend(self._differing(self._unknown(dns, strangers)))
            yield
        self._finish(compared, mended, strangers)

    def _known_keys(self) -> Iterator[list[Key]]:
        """Every key of the database, some at a time."""
        with self._database.read() as work:
            few = [(REFERENCE, ""), *((SYSTEM, each) for each in work.systems.all_ids())]
            few += [(ORGANISATION, code) for code in work.organisations.all_names()]
        for start in range(0, len(few), AT_ONCE):
            yield few[start : start + AT_ONCE]
        after = ""
        while uids := self._uids(after):
            yield [(PERSON, uid) for uid in uids]
            after = uids[-1]

    def _uids(self, after: str) -> list[str]:
        with self._database.read() as work:
            return work.people.uids(after, AT_ONCE)

    def _names(self) -> Iterator[list[str]]:
        """The names that stand directly below a branch of the directory, some at a time."""
        with self._connect() as session:
            for branch in tree():
                yield from names_below(session, branch.dn)

    def _unknown(self, dns: Sequence[str], strangers: list[str]) -> list[Key]:
        """The keys of entries that the database does not know. What has no key goes to ``strangers``."""
        keyed = {dn: announced_by(dn) for dn in dns}
        keys = [key for key in keyed.values() if key is not None]
        keyless = [dn for dn, key in keyed.items() if key is None and dn.casefold() not in _FIXED]
        with self._database.read() as work:
            known = _known(work, keys)
            codes = {entry.dn.casefold() for entry in reference_entries(work)} if keyless else set()
        strangers += [dn for dn in keyless if dn.casefold() not in codes]
        return [key for key in keys if key[1] not in known]

    def _differing(self, keys: Sequence[Key]) -> list[Key]:
        """Those that differ and that nothing announced explains, looked at twice."""
        suspects = self._unexplained(self._compared(keys))
        return self._unexplained(self._compared(suspects)) if suspects else []

    def _compared(self, keys: Sequence[Key]) -> list[Key]:
        with self._database.read() as work:
            now = work.now
        rows = [OutboxRow(place, *key, {}, now, 0) for place, key in enumerate(keys)]
        announced = AnnouncedEntries(rows)
        entries = list(announced.read(self._database))
        with self._connect() as session:
            pairs = zip(announced.rows, entries, strict=True)
            found = {row.id for row, entry in pairs if differs(session, entry)}
        return [keys[place] for place in sorted(found)]

    def _unexplained(self, keys: Iterable[Key]) -> list[Key]:
        with self._database.read() as work:
            since = work.now - SETTLES_WITHIN
            return [key for key in keys if not work.outbox.was_announced(*key, since)]

    def _mend(self, keys: Sequence[Key]) -> int:
        if keys:
            with self._event("directory.difference_mended", [" ".join(key).strip() for key in keys]) as work:
                for key in keys:
                    work.outbox.add(*key)
        return len(keys)

    def _finish(self, compared: int, mended: int, strangers: Sequence[str]) -> None:
        """Note the round's end, and raise what nobody may mend."""
        event = self._event("directory.stranger_found", strangers) if strangers else self._database.change()
        with event as work:
            work.comparisons.add(compared, mended, len(strangers), strangers[:_NAMED])

    def _event(self, event: str, found: Sequence[str]) -> AbstractContextManager[Work]:
        actor, named = Actor.system("worker"), list(found[:_NAMED])
        return self._database.audited(actor, event, "directory", entries=len(found), named=named)


def _known(work: Work, keys: Sequence[Key]) -> set[str]:
    people = work.people.names([key for topic, key in keys if topic == PERSON])
    organisations = work.organisations.known([key for topic, key in keys if topic == ORGANISATION])
    systems = work.systems.all_ids() if any(topic == SYSTEM for topic, _ in keys) else ()
    return {*people, *organisations, *systems}


_FIXED = frozenset({*(record.dn.casefold() for record in tree()), names.FOLLOWERS.casefold()})
