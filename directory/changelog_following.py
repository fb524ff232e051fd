"""Following the change log: every published change by its number, with nothing but plain searches.

For followers in any language; ``directory.following`` is quicker and needs no rules of its own::

    number = where_it_ends(session)   # then read the tree, then go on from that number
    for logged in changes_after(session, number):
        ...
        number = logged.number        # the resume cookie: keep it with what was made of the change
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ldap3

from directory.changes import Change, change_of
from directory.connection import Session
from directory.entries import Record
from directory.errors import DirectoryError, DirectoryUnavailable
from directory.names import CHANGELOG, change_dn


class ChangesMissed(DirectoryError):
    """The log no longer leads from the number to what is there now: read the tree anew.

    Attributes:
        last: the number to go on from, as it was before the tree is read.
    """

    def __init__(self, number: int, last: int) -> None:
        super().__init__(
            f"The change log no longer holds what came after change {number}. Read the tree anew, then go on"
            f" from change {last}."
        )
        self.last = last


@dataclass(frozen=True)
class LoggedChange:
    """One change, by its number in the log."""

    number: int
    change: Change


def where_it_ends(session: Session) -> int:
    """The number of the last change.

    Raises:
        DirectoryUnavailable: there is no log, or this system may not read it.
    """
    return _numbers(session)[1]


def changes_after(session: Session, number: int) -> Iterator[LoggedChange]:
    """Every change after ``number``, up to the last one there is now. Ask again for those that come later.

    Raises:
        ChangesMissed: some of them are not held any more.
        DirectoryUnavailable: there is no log, or this system may not read it.
    """
    first, last = _numbers(session)
    if number + 1 < first:
        raise ChangesMissed(number, last)
    for each in range(number + 1, last + 1):
        yield LoggedChange(each, _change(session, each, number, last))


def _numbers(session: Session) -> tuple[int, int]:
    base = _read(session, CHANGELOG)
    if base is None:
        raise DirectoryUnavailable("There is no change log to be read here.")
    first, last = (base.attributes[name][0] for name in ("firstchangenumber", "lastchangenumber"))
    return int(first), int(last)


def _change(session: Session, number: int, after: int, last: int) -> Change:
    logged = _read(session, change_dn(number))
    if logged is None:  # trimmed while we read
        raise ChangesMissed(after, last)
    dn, kind = (logged.attributes[name][0] for name in ("targetDN", "changeType"))
    return change_of(dn, kind, logged.attributes.get("changes", ("",))[0])


def _read(session: Session, dn: str) -> Record | None:
    return next(iter(session.search(dn, scope=ldap3.BASE)), None)
