"""The list of people that a batch is begun with: read line by line, and every line accounted for.

A line of the list either names somebody or is left out with its number and the reason. Nothing is dropped
silently: the lines left out are kept with the batch, and stand in its report.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from app.domain.uuid import check_digit_is_right, mistyped_notice

MOST_CARDS = 500
MOST_LINES = 2000
LARGEST_LIST = 256 * 1024
"""Of a file, in bytes; a longer one is no list of ``MOST_CARDS`` people."""

_LONGEST_KEPT = 80
_SEPARATORS = (",", ";", "\t")
_HEADINGS = frozenset({"uid", "uuid", "userid", "userid(uuid)", "nhsuid"})
_TOO_MANY = f"A batch has at most {MOST_CARDS} cards. Put this person in another batch."


@dataclass(frozen=True)
class ListedPerson:
    """A line that names somebody: its number in the list, from 1, and the user id."""

    line: int
    uid: str


@dataclass(frozen=True)
class LeftOut:
    """A line for which no card is made: its number, how it begins, and why, as a sentence.

    Attributes:
        name: of the person, where the line names somebody who is registered.
    """

    line: int
    text: str
    reason: str
    name: str = ""


@dataclass(frozen=True)
class PeopleList:
    """A list as it was read: who is named, and which lines name nobody, each in the order of the list."""

    people: tuple[ListedPerson, ...]
    left_out: tuple[LeftOut, ...]


def list_from_untrusted(text: str) -> PeopleList:
    """Read a list: one user id a line, or the lines of a CSV file with or without a heading.

    The id is the column headed ``uid``, ``uuid`` or ``user id``, or else the first one; spaces in it are left
    out. A heading holds until the next one, so that lists can be put one under another. Columns are separated
    by commas, semicolons or tabs. Never raises: what cannot be read is left out.
    """
    people: list[ListedPerson] = []
    left_out: list[LeftOut] = []
    seen: dict[str, int] = {}
    for number, line, uid in _lines(text.removeprefix("\ufeff")):
        problem = _problem(uid, seen) or ("" if len(people) < MOST_CARDS else _TOO_MANY)
        if problem:
            left_out.append(LeftOut(number, _as_kept(line), problem))
        else:
            people.append(ListedPerson(number, uid))
        seen.setdefault(uid, number)
    return PeopleList(tuple(people), tuple(left_out))


def fingerprint(uids: Iterable[str]) -> str:
    """What tells one choice of people from another: SHA-256 of their ids in order, hexadecimal."""
    return sha256("\n".join(uids).encode()).hexdigest()


def mistyped_or_unknown(uid: str) -> str:
    """Why nobody has this id, as a sentence: mistyped, when its check digit says so."""
    if check_digit_is_right(uid) is False:
        return "Nobody here has this user id, and its last digit does not fit the others: it is mistyped."
    return "Nobody with this user id is registered here. Register the person first."


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """The number, the text and the id of every line that is not empty and no heading."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    column = 0
    for number, line in lines[:MOST_LINES]:
        cells = _cells(line)
        heading = _id_column(cells)
        if heading is not None:
            column = heading
            continue
        yield number, line, "".join(cells[column].split()) if column < len(cells) else ""
    if len(lines) > MOST_LINES:
        number = lines[MOST_LINES][0]
        yield number, f"{len(lines) - MOST_LINES} more lines", ""


def _as_kept(line: str) -> str:
    """How the line begins, without what cannot be printed."""
    printable = "".join(each if each.isprintable() else " " for each in line)
    return printable.strip()[:_LONGEST_KEPT]


def _cells(line: str) -> Sequence[str]:
    separator = next((each for each in _SEPARATORS if each in line), ",")
    return next(csv.reader([line], delimiter=separator), [""])


def _id_column(cells: Sequence[str]) -> int | None:
    """The place of the id in a heading; None when the line is no heading."""
    names = ["".join(cell.lower().replace("_", "").split()) for cell in cells]
    return next((place for place, name in enumerate(names) if name in _HEADINGS), None)


def _problem(uid: str, seen: dict[str, int]) -> str:
    if not (uid.isascii() and uid.isdigit()):
        return "There is no user id in this line. A user id (UUID) has 12 digits."
    if len(uid) != 12:
        return mistyped_notice(uid) or ""
    return f"This person stands in line {seen[uid]} already." if uid in seen else ""
