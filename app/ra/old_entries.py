"""Entries of the directory that is migrated from, and how their values are read.

Attribute names are in lower case: other servers and their clients write them in any. Values are as old
systems wrote them: with spaces around them, ``Not known`` where the schema demanded something, days with and
without a time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

NOT_KNOWN = "not known"
TWELVE_DIGITS = re.compile(r"[0-9]{12}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Of an organisation or a system, as our directory publishes it."""
_RDN = re.compile(r"\s*([A-Za-z0-9.-]+)\s*=\s*((?:[^\\,]|\\.)*)(?:,|$)")
_ESCAPED = re.compile(r"(?:\\[0-9A-Fa-f]{2})+|\\(.)")


class Kind(StrEnum):
    """What an entry is, in the order in which entries are taken over."""

    ORGANISATION = "organisation"
    PERSON = "person"
    PLACE = "place"
    ROLE = "role"
    ACCREDITED_SYSTEM = "accredited system"
    ENDPOINT = "endpoint"


_CLASSES = {
    "nhsorgpersonrole": Kind.ROLE,
    "nhsorgperson": Kind.PLACE,
    "nhsperson": Kind.PERSON,
    "nhsas": Kind.ACCREDITED_SYSTEM,
    "nhsmhs": Kind.ENDPOINT,
    "nhsgppractice": Kind.ORGANISATION,
    "nhsorg": Kind.ORGANISATION,
}


class NotMappable(Exception):
    """The entry cannot be taken over; the message says why."""


@dataclass(frozen=True)
class OldEntry:
    """One entry. ``source`` and ``place`` say where it was found: a file and line, or a log and change."""

    source: str
    place: int
    dn: str
    attributes: Mapping[str, tuple[str, ...]]

    @property
    def kind(self) -> Kind | None:
        """What it is; None when entries of its classes are not taken over."""
        classes = {each.lower() for each in self.attributes.get("objectclass", ())}
        return next((kind for name, kind in _CLASSES.items() if name in classes), None)

    @property
    def digest(self) -> str:
        """SHA-256 of the entry, whatever the order of attributes."""
        text = json.dumps([self.dn, sorted(self.attributes.items())])
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

    def all(self, name: str) -> tuple[str, ...]:
        """The values of an attribute without spaces around them, but for those that say nothing.

        Raises:
            NotMappable: one holds control characters, or is not UTF-8.
        """
        values = tuple(value.strip() for value in self.attributes.get(name, ()))
        if not all(value.isprintable() for value in values):
            raise NotMappable(f"{name} holds characters that cannot be kept.")
        return tuple(value for value in values if value and value.lower() != NOT_KNOWN)

    def one(self, name: str, longest: int = 200) -> str:
        """The first value of an attribute, empty when it has none.

        Raises:
            NotMappable: it is longer than can be kept.
        """
        value = next(iter(self.all(name)), "")
        if len(value) > longest:
            raise NotMappable(f"{name} is longer than {longest} characters.")
        return value

    def required(self, name: str, longest: int = 200) -> str:
        """The first value of an attribute.

        Raises:
            NotMappable: it has none.
        """
        value = self.one(name, longest)
        if not value:
            raise NotMappable(f"It has no {name}.")
        return value

    def twelve_digits(self, name: str) -> str:
        """An id.

        Raises:
            NotMappable: there is none, or it has not 12 digits.
        """
        value = self.required(name)
        if not TWELVE_DIGITS.fullmatch(value):
            raise NotMappable(f"{name} {value!r} has not 12 digits.")
        return value

    def day(self, name: str) -> date | None:
        """A day, YYYYMMDD and perhaps a time; None when there is none.

        Raises:
            NotMappable: it is no day.
        """
        value = self.one(name)
        try:
            return date(int(value[:4]), int(value[4:6]), int(value[6:8])) if value else None
        except ValueError:
            raise NotMappable(f"{name} {value!r} is no day of the form YYYYMMDD.") from None

    def moment(self, name: str) -> datetime | None:
        """A moment, YYYYMMDDhhmmss in UTC, or the beginning of a day; None when there is none."""
        value = self.one(name).rstrip("Zz").partition(".")[0]
        try:
            return (
                datetime.strptime(value[:14].ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
                if value
                else None
            )
        except ValueError:
            raise NotMappable(f"{name} {value!r} is no moment of the form YYYYMMDDhhmmss.") from None

    @property
    def rdns(self) -> tuple[tuple[str, str], ...]:
        """The parts of its DN, its own first."""
        return rdns_of(self.dn)


def rdns_of(dn: str) -> tuple[tuple[str, str], ...]:
    """The parts of a DN (RFC 4514), names in lower case; empty when it is none."""
    found, place = [], 0
    while place < len(dn) and (part := _RDN.match(dn, place)):
        found.append((part[1].lower(), _ESCAPED.sub(_unescaped, part[2].strip())))
        place = part.end()
    return tuple(found) if place == len(dn) else ()


def _unescaped(found: re.Match[str]) -> str:
    if found[1] is not None:
        return str(found[1])
    return bytes.fromhex(found[0].replace("\\", "")).decode("utf-8", "replace")
