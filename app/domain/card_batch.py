"""A batch: many cards issued locked, one after another at one desk, each as an issuance of its own.

The batch only says who gets a card and which issuance that became; how far a card is stands in its issuance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.domain.desk_record import DeskRecord
from app.errors import InvalidInput, Refusal

MOST_CARDS = 500


class BatchClosed(Refusal):
    """The batch was closed: no desk goes on with it."""

    code = "batch_closed"


@dataclass(frozen=True, kw_only=True)
class CardBatch(DeskRecord):
    """A batch as it is stored. Its cards have many holders, so ``uid`` is its operator's.

    Attributes:
        title: what the operator calls it.
        usable_from: the first day of everybody in it; None when their cards may be used at once.
    """

    title: str
    usable_from: date | None = None


@dataclass(frozen=True)
class BatchItem:
    """One person of a batch.

    Attributes:
        position: from 1, in the order in which the desk comes to them.
        issuance_id: the latest issuance; None before the desk came to it.
        refused: why no card was made, as a sentence; empty otherwise.
    """

    batch_id: str
    position: int
    uid: str
    issuance_id: str | None = None
    refused: str = ""


def uids_from_untrusted(text: str) -> list[str]:
    """The user ids of a list: one a line, the first field of a CSV line; spaces in an id are left out.

    Raises:
        InvalidInput: under ``people``: a line without an id, an id twice, none or too many.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    uids = {number: _uid_of(line) for number, line in lines}
    if lines and not uids[lines[0][0]].isdigit():
        uids.pop(lines[0][0])  # the heading of a CSV file
    problems = [f"Line {number} does not begin with a 12-digit user id." for number in _wrong(uids.items())]
    problems += [f"Line {number} repeats a user id." for number in _repeated(uids.items())]
    if not uids or len(uids) > MOST_CARDS:
        problems.append(f"Give 1 to {MOST_CARDS} user ids, one a line.")
    if problems:
        raise InvalidInput({"people": " ".join(problems[:10])})
    return list(uids.values())


def _uid_of(line: str) -> str:
    first = line.replace(";", ",").replace("\t", ",").split(",")[0]
    return "".join(first.replace('"', "").split())


def _wrong(uids: Iterable[tuple[int, str]]) -> list[int]:
    return [number for number, uid in uids if not (uid.isascii() and uid.isdigit() and len(uid) == 12)]


def _repeated(uids: Iterable[tuple[int, str]]) -> list[int]:
    seen: set[str] = set()
    found = []
    for number, uid in uids:
        if uid in seen:
            found.append(number)
        seen.add(uid)
    return found
