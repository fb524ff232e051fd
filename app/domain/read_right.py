"""What an accredited system may read of the directory follows from what it is accredited for.

Every accredited system reads endpoints; more is granted with its registration, by two people. A wider right
includes the narrower ones: there is no use in a professional number without the person, and the change log
tells everything about everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from app.errors import InvalidInput


class ReadRight(StrEnum):
    """A part of the directory that a system may be accredited to read.

    ``ENDPOINTS``: organisations, systems and code lists. ``PEOPLE``: people, their places and roles, without
    professional numbers. ``PROFESSIONAL_NUMBERS``: those too. ``CHANGES``: the change log and the whole tree
    at once, for a follower that keeps a copy.
    """

    ENDPOINTS = "endpoints"
    PEOPLE = "people"
    PROFESSIONAL_NUMBERS = "professional-numbers"
    CHANGES = "changes"

    @property
    def meaning(self) -> str:
        """For who chooses it, in plain English."""
        return _MEANINGS[self]


_MEANINGS: Mapping[ReadRight, str] = {
    ReadRight.ENDPOINTS: "organisations, systems and code lists",
    ReadRight.PEOPLE: "people and their roles",
    ReadRight.PROFESSIONAL_NUMBERS: "professional numbers of people",
    ReadRight.CHANGES: "the change log and the whole directory at once",
}
_NARROWER: Mapping[ReadRight, ReadRight] = {
    ReadRight.PEOPLE: ReadRight.ENDPOINTS,
    ReadRight.PROFESSIONAL_NUMBERS: ReadRight.PEOPLE,
    ReadRight.CHANGES: ReadRight.PROFESSIONAL_NUMBERS,
}

ENDPOINTS_ONLY = frozenset({ReadRight.ENDPOINTS})


def with_included(rights: Iterable[ReadRight]) -> frozenset[ReadRight]:
    """The rights and all that they include; every accredited system has at least ``ENDPOINTS``."""
    held = set(ENDPOINTS_ONLY)
    for right in rights:
        each: ReadRight | None = right
        while each is not None:
            held.add(each)
            each = _NARROWER.get(each)
    return frozenset(held)


def read_rights_from_untrusted(words: Iterable[str]) -> frozenset[ReadRight]:
    """Read rights by name, e.g. ``people``, with those that they include.

    Raises:
        InvalidInput: there is no such right.
    """
    listed = list(words)
    unknown = sorted(set(listed) - {right.value for right in ReadRight})
    if unknown:
        known = ", ".join(ReadRight)
        raise InvalidInput({"reads": f"There is no read right {unknown[0]!r}. Choose from: {known}."})
    return with_included(ReadRight(word) for word in listed)
