"""The change log of the directory that is migrated from, read over LDAP, and applying what it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from app.adapters.directory_entries import organisation_entry, system_entry
from app.adapters.old_directory_file import change_of
from app.adapters.person_entries import person_entry
from app.errors import Unavailable
from app.ra.migration_ports import OldChange
from app.ra.old_entries import rdns_of
from app.storage.work import Work
from directory.connection import Session
from directory.entries import Entry, Record
from directory.errors import DirectoryError
from directory.reading_ldif import Attributes, Modification, NotLdif, attributes_of, modifications_of
from directory.reconnecting import Reconnecting

_AFTER_ALL = datetime(9999, 1, 1, tzinfo=UTC)
_ONE_ENTRY = "BASE"
CHANGELOG = "cn=changelog,o=nhs"


class OldLogOverLdap:
    """The log of a directory that answers.

    Args:
        connect: opens an authenticated session.
        source: the directory's address.
    """

    def __init__(self, connect: Callable[[], Session], source: str) -> None:
        self.source = source
        self._sessions = Reconnecting(connect)

    def held(self) -> tuple[int, int]:
        """As the log's base entry says. Raises Unavailable."""
        base = self._read(CHANGELOG)
        first, last = (
            (base or {}).get("firstchangenumber", ("",))[0],
            (base or {}).get("lastchangenumber", ("",))[0],
        )
        if not (first.isdigit() and last.isdigit()):
            raise Unavailable("old directory", f"{self.source} shows us no change log. Nothing was changed.")
        return int(first), int(last)

    def change(self, number: int) -> OldChange | None:
        """The change with this number. Raises Unavailable."""
        found = self._read(f"changenumber={number},{CHANGELOG}")
        return change_of(found) if found else None

    def close(self) -> None:
        """Close the connection."""
        self._sessions.close()

    def _read(self, dn: str) -> Attributes | None:
        with _outages_named(self.source):
            found = self._sessions.run(lambda session: session.search(dn, scope=_ONE_ENTRY))
        return _lower(found[0]) if found else None


@contextmanager
def _outages_named(source: str) -> Iterator[None]:
    try:
        yield
    except DirectoryError as fault:
        raise Unavailable(
            "old directory", f"{source} does not answer: {fault} Nothing was changed."
        ) from fault


class PresentEntries:
    """What our directory shows of an entry once every role has begun."""

    def attributes(self, work: Work, dn: str) -> Attributes | None:
        """Its attributes by name in lower case; None when there is no such entry."""
        parts = rdns_of(dn)
        entry = _entry(Work(work.connection, _AFTER_ALL), parts)
        wanted = ",".join(f"{name}={value}" for name, value in parts).lower()
        records = entry.records() if entry else iter(())
        return next((_lower(each) for each in records if each.dn.lower() == wanted), None)


def _entry(work: Work, parts: tuple[tuple[str, str], ...]) -> Entry | None:
    owner = next((value for name, value in parts if name == "uid"), None)
    if owner is not None:
        return person_entry(work, owner)
    if ("ou", "services") in {(name, value.lower()) for name, value in parts}:
        return system_entry(work, parts[0][1])
    return organisation_entry(work, parts[0][1])


def _lower(record: Record) -> Mapping[str, tuple[str, ...]]:
    return {name.lower(): values for name, values in record.attributes.items()}


class LdifFragments:
    """Reads the LDIF of changes."""

    def attributes(self, changes: str) -> Attributes | None:
        """Of an addition; None when it cannot be read."""
        try:
            return attributes_of(changes)
        except NotLdif:
            return None

    def modified(self, attributes: Attributes, changes: str) -> Attributes | None:
        """The attributes after a modification; None when it cannot be read."""
        try:
            parts = modifications_of(changes)
        except NotLdif:
            return None
        after = dict(attributes)
        for part in parts:
            after[part.attribute] = _values_after(after.get(part.attribute, ()), part)
        return {name: values for name, values in after.items() if values}


def _values_after(before: tuple[str, ...], part: Modification) -> tuple[str, ...]:
    match part.operation:
        case "replace":
            return part.values
        case "add":
            return tuple(dict.fromkeys((*before, *part.values)))
        case _:
            gone = {value.strip().lower() for value in part.values}
            # A deletion without values removes the attribute (RFC 4511 section 4.6).
            return tuple(value for value in before if gone and value.strip().lower() not in gone)
