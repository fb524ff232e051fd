"""Rows of CSV files as people and programs really send them.

Spreadsheets add a byte order mark and empty columns at the end, write Windows-1252, and put line breaks
into quoted values. Each of these is read. A stray quotation mark still spoils one row only: a value may go
on over a few lines, and when it does not end there, its first line alone is refused.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from app.ra.importing_rows import Line, RowRefused

_LINES_OF_A_ROW = 10
_LONGEST_LINE = 20_000
_WINDOWS = "cp1252"


class _Unfinished(RowRefused):
    """A quoted value does not end on this line."""


def csv_lines(name: str, content: BinaryIO) -> Iterator[Line | tuple[Line, RowRefused]]:
    """The rows in order, read little by little; a row that cannot be read comes with the reason."""
    waiting: list[tuple[int, bytes]] = []
    numbered = enumerate(iter(lambda: content.readline(_LONGEST_LINE + 1), b""), start=1)
    while waiting or (waiting := list(islice(numbered, 1))):
        number, raw = waiting.pop(0)
        if len(raw) > _LONGEST_LINE:
            yield _refused(name, number, "", f"It is longer than {_LONGEST_LINE} characters.")
            continue
        yield from _row(name, number, raw, waiting, numbered)


def _row(
    name: str,
    number: int,
    raw: bytes,
    waiting: list[tuple[int, bytes]],
    numbered: Iterator[tuple[int, bytes]],
) -> Iterator[Line | tuple[Line, RowRefused]]:
    """The row that begins with this line; lines looked at and not used stay in ``waiting``."""
    text, used = "", 0
    while True:
        try:
            text += _decoded(raw, number)
            if text.strip():
                yield Line(name, number, text, _columns(text))
            del waiting[:used]
            return
        except _Unfinished as refusal:
            if used == len(waiting) and used < _LINES_OF_A_ROW:
                waiting += islice(numbered, 1)
            if used == len(waiting) or used == _LINES_OF_A_ROW or len(text) > _LONGEST_LINE:
                yield _refused(name, number, text, str(refusal))
                return
            raw, used = waiting[used][1], used + 1
        except RowRefused as refusal:
            yield _refused(name, number, text, str(refusal))
            return


def _refused(name: str, number: int, text: str, reason: str) -> tuple[Line, RowRefused]:
    return Line(name, number, text, []), RowRefused(reason)


def _decoded(raw: bytes, number: int) -> str:
    for encoding in ("utf-8-sig" if number == 1 else "utf-8", _WINDOWS):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RowRefused("It is written neither in UTF-8 nor in Windows-1252.")


def _columns(text: str) -> list[str]:
    try:
        (columns,) = csv.reader([text], strict=True)
    except csv.Error as fault:
        kind = _Unfinished if "unexpected end of data" in str(fault) else RowRefused
        raise kind(f"It is no row of a CSV file: {fault}.") from fault
    columns = [" ".join(each.split()) if "\n" in each or "\r" in each else each.strip() for each in columns]
    if any(not each.isprintable() for each in columns):
        raise RowRefused("It contains control characters.")
    return columns


def without_trailing_columns(columns: list[str], number: int) -> list[str]:
    """The first ``number`` columns when all behind them are empty; otherwise the columns as they are."""
    return columns[:number] if not any(columns[number:]) else columns
