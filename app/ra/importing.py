"""What all imports share: rows read one by one so that a bad one costs only itself, and the report."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, TypeVar

from app.errors import Refusal

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is in all."""

_Row = TypeVar("_Row")
_Value = TypeVar("_Value")
_EXCERPT = 200


def no_progress(what: str, done: int, total: int) -> None:
    """For whoever does not want to know."""


class ImportNotPossible(Refusal):
    """A file is missing or is not what it should be, so nothing was imported."""

    code: ClassVar[str] = "import_not_possible"


class RowRefused(Exception):
    """A row cannot be used; the message says why. The others are."""


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not imported: where it stands, its beginning, and why."""

    file: str
    line: int
    row: str
    reason: str


@dataclass(frozen=True)
class Line:
    """A row of a file: its number, from 1, its text and its columns."""

    file: str
    number: int
    text: str
    columns: list[str]

    def refused(self, reason: str) -> RefusedRow:
        """That this row was not imported."""
        shown = "".join(each if each.isprintable() else "\ufffd" for each in self.text[:_EXCERPT])
        return RefusedRow(self.file, self.number, shown, reason)


@dataclass(frozen=True)
class SourceFile:
    """A file's name and its whole content, as bytes that nobody has looked at."""

    name: str
    content: bytes


def lines(file: SourceFile, refused: list[RefusedRow]) -> Iterator[Line]:
    """The rows of a CSV file, each line read by itself: a stray quotation mark spoils one row only."""
    for number, raw in enumerate(file.content.splitlines(), start=1):
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace")
        if not text.strip():
            continue
        try:
            yield Line(file.name, number, text, _columns(text))
        except RowRefused as refusal:
            refused.append(Line(file.name, number, text, []).refused(str(refusal)))


def _columns(text: str) -> list[str]:
    if "\ufffd" in text:
        raise RowRefused("It is not written in UTF-8.")
    try:
        (columns,) = csv.reader([text], strict=True)
    except csv.Error as fault:
        raise RowRefused(f"It is no row of a CSV file: {fault}.") from fault
    if any(not each.isprintable() for each in columns):
        raise RowRefused("It contains control characters.")
    return [each.strip() for each in columns]


def read_all(
    found: Iterable[tuple[Line, _Row]], read: Callable[[_Row], _Value], refused: list[RefusedRow]
) -> Iterator[tuple[Line, _Value]]:
    """Every row as ``read`` makes it; those that it refuses go to ``refused``."""
    for line, row in found:
        try:
            yield line, read(row)
        except RowRefused as refusal:
            refused.append(line.refused(str(refusal)))


def day(text: str, what: str) -> date | None:
    """A date of eight digits, YYYYMMDD; None when there is none.

    Raises:
        RowRefused
    """
    if not text:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])) if len(text) == 8 else _no_day(text, what)
    except ValueError:
        return _no_day(text, what)


def _no_day(text: str, what: str) -> date:
    raise RowRefused(f"The {what} {text!r} is no date of the form YYYYMMDD.")


def records(
    file: SourceFile, needed: Sequence[str], refused: list[RefusedRow]
) -> Iterator[tuple[Line, Mapping[str, str]]]:
    """The rows of a CSV file with a header, each by the header's names.

    Raises:
        ImportNotPossible: the header lacks a needed column.
    """
    found = lines(file, refused)
    header = next(found, Line(file.name, 1, "", [])).columns
    missing = [name for name in needed if name not in header]
    if missing:
        raise ImportNotPossible(f"{file.name} has no column {missing[0]}, so nothing was imported.")
    for line in found:
        if len(line.columns) == len(header):
            yield line, dict(zip(header, line.columns, strict=True))
        else:
            refused.append(line.refused(f"It has {len(line.columns)} columns; there must be {len(header)}."))
