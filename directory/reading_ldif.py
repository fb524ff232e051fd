"""Reading LDIF (RFC 2849) that another directory wrote: streamed, a bad record costing only itself.

Read are records of content, change records of modifications, and the fragments of change logs; lines may be
folded, in base64, or end as on Windows; comments and the version line are passed over. A value given as a URL
(``:<``) is refused: nothing outside the file is ever opened. Attribute names come in lower case and without
options, because other directories write them in any case.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

LONGEST_RECORD = 16 << 20
"""Bytes; what is longer is no record of a directory."""

_NAME = re.compile(r"([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)(?:;[A-Za-z0-9-]+)*")

Attributes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class LdifRecord:
    """One entry. ``line`` is its first, from 1; ``attributes`` by name in lower case."""

    line: int
    dn: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A record that could not be read, and why."""

    line: int
    beginning: str
    reason: str


@dataclass(frozen=True, slots=True)
class Modification:
    """One part of a modification: ``operation`` is add, delete or replace."""

    operation: str
    attribute: str
    values: tuple[str, ...]


class NotLdif(ValueError):
    """The text is not LDIF; the message says where it departs from it."""


def read_ldif(lines: Iterable[bytes]) -> Iterator[LdifRecord | UnreadableRecord]:
    """Every record of a file, as its lines come (an open binary file will do)."""
    for number, block in _blocks(lines):
        try:
            yield _record(number, block)
        except NotLdif as fault:
            yield UnreadableRecord(number, _shown(block), str(fault))


def attributes_of(fragment: str) -> Attributes:
    """The attributes of an addition, as a change log's ``changes`` tells them.

    Raises:
        NotLdif
    """
    return _grouped(_pair(line) for _, block in _blocks(_lines_of(fragment)) for line in block)


def modifications_of(fragment: str) -> list[Modification]:
    """The parts of a modification, as a change log's ``changes`` tells them (RFC 2849 mod-spec).

    Raises:
        NotLdif
    """
    found, part = [], list[tuple[str, str]]()
    for line in (line for _, block in _blocks(_lines_of(fragment)) for line in block):
        if line.rstrip() == b"-":
            found.append(_modification(part))
            part = []
        else:
            part.append(_pair(line))
    return [*found, _modification(part)] if part else found


def _modification(part: list[tuple[str, str]]) -> Modification:
    if not part or part[0][0] not in ("add", "delete", "replace"):
        raise NotLdif("A part of a modification begins with add, delete or replace.")
    (operation, named), values = part[0], part[1:]
    attribute = _plain_name(named)
    if any(name != attribute for name, _ in values):
        raise NotLdif(f"The modification of {attribute} holds values of another attribute.")
    return Modification(operation, attribute, tuple(value for _, value in values))


def _lines_of(fragment: str) -> Iterator[bytes]:
    # Not splitlines(): a value may hold other characters that Python takes for the end of a line.
    return (line.encode("utf-8", "surrogateescape") for line in fragment.split("\n"))


def _blocks(lines: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Each record's lines, unfolded and without comments, and the number of its first."""
    block: list[bytes] = []
    first = size = 0
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip(b"\r\n")
        if line:
            first = first or number
            size += len(line)
            # Of a record that is too long no more is kept; it is refused when it ends.
            if size <= LONGEST_RECORD:
                _unfold(line, block)
            continue
        if whole := _whole(block, size):
            yield first, whole
        block, first, size = [], 0, 0
    if whole := _whole(block, size):
        yield first, whole


def _unfold(line: bytes, block: list[bytes]) -> None:
    if line.startswith(b" ") and block:
        block[-1] += line[1:]
    else:
        block.append(line)


def _whole(block: list[bytes], size: int) -> list[bytes]:
    if size > LONGEST_RECORD:
        return [b"is longer than any record of a directory"]
    kept = [line for line in block if not line.startswith(b"#")]
    return kept[1:] if kept and kept[0].startswith(b"version:") else kept


def _record(number: int, block: list[bytes]) -> LdifRecord:
    pairs = [_pair(line) for line in block]
    if pairs[0][0] != "dn":
        raise NotLdif("It does not begin with dn.")
    return LdifRecord(number, pairs[0][1], _grouped(pairs[1:]))


def _grouped(pairs: Iterable[tuple[str, str]]) -> Attributes:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found


def _pair(line: bytes) -> tuple[str, str]:
    name, separator, rest = line.partition(b":")
    if not separator:
        raise NotLdif(f"A line has no colon: {_shown([line])}")
    return _plain_name(name.decode("utf-8", "replace")), _value(rest)


def _value(rest: bytes) -> str:
    if rest.startswith(b"<"):
        raise NotLdif("A value is given as a URL; nothing outside the file is read.")
    if rest.startswith(b":"):
        try:
            rest = base64.b64decode(rest[1:].strip(), validate=True)
        except binascii.Error as fault:
            raise NotLdif(f"A value in base64 cannot be read: {fault}.") from fault
    else:
        rest = rest.lstrip(b" ")
    return rest.decode("utf-8", "surrogateescape")


def _plain_name(described: str) -> str:
    found = _NAME.fullmatch(described.strip())
    if found is None:
        raise NotLdif(f"{described[:60]!r} is no name of an attribute.")
    return found[1].lower()


def _shown(block: list[bytes]) -> str:
    return b" ".join(block)[:120].decode("utf-8", "replace")
