"""One row of a file, and why it is not imported."""

from __future__ import annotations

from dataclasses import dataclass

_EXCERPT = 200


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
