"""The XML full file, read as it comes: one organisation at a time, in memory that does not grow with the
file.

Root ``OrgRefData`` or ``OrganisationManifest`` in the namespace of Organisation Reference Data 2-0-0;
organisations anywhere below it. The parser is expat itself. A document type is refused before anything in it
is looked at, so there are
no entities: neither "billion laughs" nor reading of local files (XXE). Depth, the size of one organisation,
and what expat must hold back before it can tell anything, are limited.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO
from xml.parsers import expat

from app.ra.importing import ImportNotPossible
from app.ra.importing_ord_values import Node

NAMESPACE = "http://refdata.hscic.gov.uk/org/v2-0-0"
ROOTS = frozenset({f"{NAMESPACE} OrgRefData", f"{NAMESPACE} OrganisationManifest"})
_CHUNK = 64 * 1024
_DEEPEST = 16
_LARGEST_ORGANISATION = 1024 * 1024
_LONGEST_SILENCE = 1024 * 1024
_HEADERS = frozenset({"manifest", "manifestheader"})
_ORGANISATION = "organisation"
_KEPT = _HEADERS | {_ORGANISATION}


def organisations_in_xml(content: BinaryIO, header: dict[str, str]) -> Iterator[Node]:
    """Each organisation in the shape of ``importing_ord_values``; ``header`` is filled with the manifest's
    values.

    Raises:
        ImportNotPossible: it is not such a file, is cut off, or does what no such file does.
    """
    reader = _Reader(header)
    try:
        while chunk := content.read(_CHUNK):
            reader.feed(chunk)
            yield from reader.taken()
        reader.feed(b"", is_last=True)
    except expat.ExpatError as fault:
        raise ImportNotPossible(
            f"The XML breaks off or is broken in line {fault.lineno}: {expat.ErrorString(fault.code)}."
            " Download the file again."
        ) from fault
    yield from reader.taken()


class _Reader:
    """Builds a dictionary for each organisation and forgets everything else."""

    def __init__(self, header: dict[str, str]) -> None:
        self._header = header
        self._stack: list[tuple[str, dict[str, Any], list[str]]] = []
        self._depth = 0
        self._size = 0
        self._silence = 0
        self._building = ""
        self._done: list[Node] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.EntityDeclHandler = _refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, chunk: bytes, is_last: bool = False) -> None:
        self._silence += len(chunk)
        self._parser.Parse(chunk, is_last)
        if self._silence > _LONGEST_SILENCE:
            raise ImportNotPossible("One value of the XML is longer than a mebibyte: this is no such file.")

    def taken(self) -> list[Node]:
        """The organisations that were finished since this was last asked."""
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._silence = 0
        self._depth += 1
        if self._depth == 1 and name not in ROOTS:
            raise ImportNotPossible(
                f"The XML begins with {name.rpartition(' ')[2][:60]!r}; the full file begins with"
                " OrgRefData or"
                f" OrganisationManifest in the namespace {NAMESPACE}. Choose the file"
                " HSCOrgRefData_Full_….xml."
            )
        if self._depth > _DEEPEST:
            raise ImportNotPossible("The XML is nested deeper than any file of organisations.")
        local = _local(name)
        if not self._building and local in _KEPT:
            self._building, self._size = local, 0
        if self._building:
            given = {_local(key): value for key, value in attributes.items()}
            self._count(sum(map(len, given.values())) + len(name))
            self._stack.append((local, given, []))

    def _end(self, _: str) -> None:
        self._silence = 0
        self._depth -= 1
        if not self._stack:
            return
        local, node, texts = self._stack.pop()
        if self._stack:
            _put(self._stack[-1][1], local, _value(node, "".join(texts).strip()))
            return
        if self._building == _ORGANISATION:
            self._done.append(node)
        else:
            self._header.update({key: value[:200] for key, value in node.items() if isinstance(value, str)})
        self._building = ""

    def _text(self, text: str) -> None:
        self._silence = 0
        if self._stack:
            self._count(len(text))
            self._stack[-1][2].append(text)

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > _LARGEST_ORGANISATION:
            raise ImportNotPossible(
                "One organisation of the XML is larger than a mebibyte: this is no such file."
            )


@lru_cache(maxsize=1000)
def _local(name: str) -> str:
    """The name without its namespace, in small letters."""
    return name.rpartition(" ")[2].casefold()


def _refuse_doctype(*_: object) -> None:
    raise ImportNotPossible(
        "The XML has a document type (DOCTYPE), which no file of organisations has, and which can be used"
        " for attacks."
        " Nothing was read."
    )


def _value(node: dict[str, Any], text: str) -> object:
    """``<Status value="Active"/>`` and ``<Name>X</Name>`` are plain values, everything else is a
    dictionary.
    """
    if node.keys() == {"value"}:
        return node["value"]
    return node or text


def _put(parent: dict[str, Any], name: str, value: object) -> None:
    if name not in parent:
        parent[name] = value
    elif isinstance(parent[name], list):
        parent[name].append(value)
    else:
        parent[name] = [parent[name], value]
