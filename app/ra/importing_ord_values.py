"""Values out of a record of Organisation Reference Data (ORD), in the one shape that JSON and XML are read
into.

The shape is that of the published JSON with all names in small letters: dictionaries, lists and plain
values. XML's ``<Status value="Active"/>`` stands in it as ``"status": "Active"``. What is missing is left
out there, so every accessor has an answer for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from app.ra.importing_rows import RowRefused

Node = dict[str, Any]

OPERATIONAL, LEGAL = "operational", "legal"


def text(node: Node, name: str) -> str:
    """A plain value with single spaces; empty when there is none."""
    value = node.get(name)
    return "" if value is None or isinstance(value, dict | list) else " ".join(str(value).split())


def child(node: Node, name: str) -> Node:
    """The one dictionary of this name; an empty one when there is none."""
    value = node.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, dict) else {}


def children(node: Node, *path: str) -> list[Node]:
    """All dictionaries at the end of the path, of which there may be none, one or several."""
    for name in path[:-1]:
        node = child(node, name)
    value = node.get(path[-1])
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, dict)]


def is_true(node: Node, name: str) -> bool:
    """A flag: JSON's ``true``, XML's ``"true"``."""
    return text(node, name).casefold() == "true"


@dataclass(frozen=True)
class Period:
    """First and last day, each if it is known."""

    first: date | None = None
    last: date | None = None


def period(node: Node, kind: str) -> Period | None:
    """The node's dates of a kind; None when it has none.

    Raises:
        RowRefused: a date cannot be read, or the end is before the beginning.
    """
    for each in children(node, "date"):
        if text(each, "type").casefold() == kind:
            found = Period(_day(text(each, "start")), _day(text(each, "end")))
            if found.first and found.last and found.last < found.first:
                raise RowRefused(f"It ends on {found.last} before it begins on {found.first}.")
            return found
    return None


def working_period(node: Node) -> Period:
    """From when to when it worked; in law, when nothing else is said.

    Raises:
        RowRefused
    """
    return period(node, OPERATIONAL) or period(node, LEGAL) or Period()


def _day(given: str) -> date | None:
    if not given:
        return None
    try:
        return date.fromisoformat(given) if len(given) == 10 else _no_day(given)
    except ValueError:
        return _no_day(given)


def _no_day(given: str) -> date:
    raise RowRefused(f"The date {given[:40]!r} is not of the form YYYY-MM-DD.")
