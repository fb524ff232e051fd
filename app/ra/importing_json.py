"""ORD JSON, read as it comes: one organisation, a list of them, or one a line (NDJSON).

Each stands there as the service answers it, ``{"Organisation": {…}}``, or without that wrapper.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from app.ra.importing import ImportNotPossible
from app.ra.importing_ord_values import Node

_CHUNK = 64 * 1024
_LARGEST = 1024 * 1024
_BETWEEN = " \t\r\n,"


def organisations_in_json(content: BinaryIO) -> Iterator[Node]:
    """Each organisation in the shape of ``importing_ord_values``.

    Raises:
        ImportNotPossible: it is no JSON, is cut off, or holds something else than organisations.
    """
    return map(_organisation, _values(content))


def _values(content: BinaryIO) -> Iterator[object]:
    """The values that follow each other, or those of the list which they are wrapped in."""
    decode = codecs.getincrementaldecoder("utf-8-sig")(errors="strict")
    parse = json.JSONDecoder(object_pairs_hook=_small_letters).raw_decode
    waiting, in_list, is_first, is_over = "", False, True, False
    while True:
        chunk = content.read(_CHUNK)
        waiting = (waiting + _decoded(decode, chunk)).lstrip(_BETWEEN)
        if is_first and waiting.startswith("["):
            waiting, in_list = waiting[1:].lstrip(_BETWEEN), True
        is_first = is_first and not waiting
        while waiting and not is_over:
            if in_list and waiting.startswith("]"):
                is_over = True
                break
            try:
                value, end = parse(waiting)
            except RecursionError as fault:
                raise ImportNotPossible("The JSON is nested deeper than any organisation.") from fault
            except ValueError as fault:
                _require_more(chunk, waiting, fault)
                break
            if end == len(waiting) and chunk and not isinstance(value, dict | list):
                break
            yield value
            waiting = waiting[end:].lstrip(_BETWEEN)
        if not chunk:
            if in_list and not is_over:
                raise ImportNotPossible(
                    "The JSON breaks off in the middle of its list. Download the file again."
                )
            return


def _decoded(decode: codecs.IncrementalDecoder, chunk: bytes) -> str:
    try:
        return decode.decode(chunk, final=not chunk)
    except UnicodeDecodeError as fault:
        raise ImportNotPossible("The JSON is not written in UTF-8. Download the file again.") from fault


def _require_more(chunk: bytes, waiting: str, fault: ValueError) -> None:
    """A value may go on in what has not been read yet; otherwise it is broken."""
    if not chunk or len(waiting) > _LARGEST:
        where = f"near {waiting[:40]!r}"
        raise ImportNotPossible(
            f"The JSON is broken or breaks off {where}. Download the file again."
        ) from fault


def _small_letters(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.casefold(): value for name, value in pairs}


def _organisation(value: object) -> Node:
    if isinstance(value, dict) and isinstance(value.get("organisation"), dict):
        value = value["organisation"]
    if isinstance(value, dict) and isinstance(value.get("orgid"), dict):
        return value
    if isinstance(value, dict) and ("organisations" in value or isinstance(value.get("orgid"), str)):
        raise ImportNotPossible(
            "This is a list of search results, which has no roles and dates. Fetch each organisation by"
            " its OrgLink"
            " and put the answers into one file, one a line."
        )
    raise ImportNotPossible("The JSON holds something that is no organisation: it has no OrgId.")
