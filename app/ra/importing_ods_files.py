"""The Organisation Data Service's predefined CSV reports: 27 columns, no header, dates as YYYYMMDD.

Columns, from 1: code, name, national grouping, health geography, five address lines, postcode, open, close,
status, sub-type, commissioner, join, left, telephone, three empty, amended, empty, provider or purchaser,
empty, prescribing setting, empty. Memberships have six: code, parent, kind, joined, left, amended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.domain.organisation import CODE, Membership, Organisation, OrganisationStatus
from app.ra.importing import day
from app.ra.importing_rows import RowRefused

COLUMNS = 27
MEMBERSHIP_COLUMNS = 6
_STATUSES = {
    "A": OrganisationStatus.ACTIVE,
    "C": OrganisationStatus.CLOSED,
    "D": OrganisationStatus.DORMANT,
    "P": OrganisationStatus.PROPOSED,
}


@dataclass(frozen=True)
class Kind:
    """What kind of organisation a row is: in words, and as nhsOrgTypeCode where one is published."""

    name: str
    code: str = ""


@dataclass(frozen=True)
class OdsFile:
    """One of ODS's files.

    Attributes:
        name: as ODS names it, without its ending.
        parent_column: the column with the parent's code, from 1.
        kind_column: the column that says of which kind the row is; 0 when all are of the kind ``any``.
    """

    name: str
    title: str
    parent_column: int
    kind_column: int
    kinds: Mapping[str, Kind]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> OdsFile:
        """From a table of ``files.toml``."""
        kinds = {key: Kind(**value) for key, value in table["kinds"].items()}
        return cls(table["name"], table["title"], table["parent_column"], table["kind_column"], kinds)

    def organisation(self, columns: list[str], today: date) -> Organisation:
        """The organisation of a row.

        Raises:
            RowRefused
        """
        _require(len(columns) == COLUMNS, f"It has {len(columns)} columns; there must be {COLUMNS}.")
        opened_on, closed_on = _period(columns[10], columns[11], "opening date", "closing date")
        joined_on, left_on = _period(columns[15], columns[16], "joining date", "leaving date")
        kind = self._kind(columns)
        return Organisation(
            code=_code(columns[0], "code"),
            name=_name(columns[1]),
            kind=kind.name,
            kind_code=kind.code,
            status=_status(columns[12], closed_on, today),
            address=tuple(columns[4:9]),
            postcode=_at_most(columns[9], 10, "postcode"),
            telephone=_at_most(columns[17], 40, "telephone number"),
            opened_on=opened_on,
            closed_on=closed_on,
            parent_code=_optional_code(columns[self.parent_column - 1], "parent"),
            successor_code=None,
            joined_on=joined_on,
            left_on=left_on,
            national_grouping=_at_most(columns[2], 12, "national grouping"),
            health_geography=_at_most(columns[3], 12, "health geography"),
            sub_type=_at_most(columns[13], 10, "sub-type"),
            source=self.name,
        )

    def _kind(self, columns: list[str]) -> Kind:
        key = columns[self.kind_column - 1] if self.kind_column else "any"
        _require(
            key in self.kinds, f"Column {self.kind_column} has {key!r}, which names no kind of organisation."
        )
        return self.kinds[key]


def membership(columns: list[str]) -> Membership:
    """The membership of a row.

    Raises:
        RowRefused
    """
    _require(
        len(columns) == MEMBERSHIP_COLUMNS,
        f"It has {len(columns)} columns; there must be {MEMBERSHIP_COLUMNS}.",
    )
    joined_on, left_on = _period(columns[3], columns[4], "joining date", "leaving date")
    if joined_on is None:
        raise RowRefused("It has no joining date.")
    return Membership(
        _code(columns[0], "code"),
        _code(columns[1], "parent's code"),
        _at_most(columns[2], 10, "kind"),
        joined_on,
        left_on,
    )


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise RowRefused(reason)


def _code(text: str, what: str) -> str:
    _require(
        CODE.fullmatch(text) is not None, f"The {what} {text!r} is not 3 to 12 capital letters and digits."
    )
    return text


def _optional_code(text: str, what: str) -> str | None:
    return _code(text, what) if text else None


def _name(text: str) -> str:
    _require(bool(text), "It has no name.")
    return _at_most(text, 200, "name")


def _at_most(text: str, length: int, what: str) -> str:
    _require(len(text) <= length, f"The {what} is longer than {length} characters.")
    return text


def _period(begin: str, end: str, begin_name: str, end_name: str) -> tuple[date | None, date | None]:
    first, last = day(begin, begin_name), day(end, end_name)
    if first and last:
        _require(first <= last, f"The {end_name} {end} is before the {begin_name} {begin}.")
    return first, last


def _status(letter: str, closed_on: date | None, today: date) -> OrganisationStatus:
    if letter:
        _require(letter in _STATUSES, f"The status {letter!r} is not A, C, D or P.")
        return _STATUSES[letter]
    is_closed = closed_on is not None and closed_on < today
    return OrganisationStatus.CLOSED if is_closed else OrganisationStatus.ACTIVE
