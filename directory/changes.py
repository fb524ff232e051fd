"""A change of one entry, as it is applied and as the change log tells it (draft-good-ldap-changelog)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from directory.entries import Record
from directory.errors import DirectoryRefused
from directory.ldif import ldif_line

ENTRY_ALREADY_EXISTS = 68
NO_SUCH_OBJECT = 32
SECRET = frozenset({"userPassword"})


class Writing(Protocol):
    """What a change is applied to: a session."""

    def add(self, record: Record) -> None: ...
    def replace(self, dn: str, attributes: Mapping[str, tuple[str, ...]]) -> None: ...
    def delete(self, dn: str) -> None: ...


class ChangeType(StrEnum):
    """What was done, as ``changeType`` says it."""

    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One write to one entry.

    Attributes:
        attributes: of an addition all of the entry's; of a modification the values that each named
            attribute has from then on, none removing it; of a deletion empty.
    """

    dn: str
    type: ChangeType
    attributes: Mapping[str, tuple[str, ...]]

    def apply(self, session: Writing) -> None:
        """Write it.

        Raises:
            DirectoryUnavailable, DirectoryRefused: as the session does.
        """
        if self.type is ChangeType.ADD:
            session.add(Record(self.dn, self.attributes))
        elif self.type is ChangeType.MODIFY and self.attributes:
            session.replace(self.dn, self.attributes)
        elif self.type is ChangeType.DELETE:
            session.delete(self.dn)

    def apply_again(self, session: Writing) -> None:
        """Write it where it, or it and what followed it, may have been written already.

        Every change says what is from then on, not what to do with what was, so that writing a row of them
        again from any point ends in the same.
        """
        done_already = {ChangeType.ADD: ENTRY_ALREADY_EXISTS, ChangeType.MODIFY: NO_SUCH_OBJECT}
        try:
            self.apply(session)
        except DirectoryRefused as refused:
            if refused.result_code != done_already.get(self.type):
                raise

    def told(self) -> Change:
        """The change as the log may tell it: without passwords, which no follower may copy.

        Where a crash makes the log the source of a change, its password follows when the change is
        announced again.
        """
        open_to_all = {name: values for name, values in self.attributes.items() if name not in SECRET}
        return Change(self.dn, self.type, open_to_all)

    def ldif(self) -> str:
        """The attribute ``changes``: an LDIF fragment (RFC 2849), empty for a deletion."""
        lines = (self._part(name, values) for name, values in self.attributes.items())
        return "".join(f"{line}\n" for part in lines for line in part)

    def _part(self, name: str, values: tuple[str, ...]) -> list[str]:
        listed = [ldif_line(name, value) for value in values]
        return [f"replace: {name}", *listed, "-"] if self.type is ChangeType.MODIFY else listed


def change_of(dn: str, change_type: str, changes: str) -> Change:
    """The change that an entry of our change log tells.

    Raises:
        ValueError: the fragment is none that ``Change.ldif`` writes.
    """
    kind = ChangeType(change_type)
    attributes: dict[str, tuple[str, ...]] = {}
    for name, value in _lines(changes):
        if kind is ChangeType.MODIFY and name == "replace":
            attributes[value] = ()
        else:
            attributes[name] = (*attributes.get(name, ()), value)
    return Change(dn, kind, attributes)


def _lines(fragment: str) -> Iterator[tuple[str, str]]:
    # Not splitlines(): a value may hold other characters that Python takes for the end of a line.
    for line in fragment.split("\n"):
        name, separator, value = line.partition(":")
        if separator:
            plain = value.removeprefix(" ")
            yield name, base64.b64decode(value[1:]).decode() if value.startswith(":") else plain
        elif line not in ("", "-"):
            raise ValueError(f"{line!r} is no line of LDIF.")
