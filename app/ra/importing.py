"""What all imports share: rows read one by one so that a bad one costs only itself, and the report."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, TypeVar

from app.errors import Refusal
from app.ra.importing_csv import csv_lines
from app.ra.importing_rows import Line, RefusedRow, RowRefused

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is in all."""

_Row = TypeVar("_Row")
_Value = TypeVar("_Value")


def no_progress(what: str, done: int, total: int) -> None:
    """For whoever does not want to know."""


class ImportNotPossible(Refusal):
    """A file is missing or is not what it should be, so nothing was imported."""

    code: ClassVar[str] = "import_not_possible"


@dataclass(frozen=True)
class SourceFile:
    """A file's name and its whole content, as bytes that nobody has looked at."""

    name: str
    content: bytes


def lines(file: SourceFile, refused: list[RefusedRow]) -> Iterator[Line]:
    """The rows of a CSV file; those that cannot be read go to ``refused``."""
    for each in csv_lines(file.name, io.BytesIO(file.content)):
        if isinstance(each, Line):
            yield each
        else:
            line, refusal = each
            refused.append(line.refused(str(refusal)))


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
