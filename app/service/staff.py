"""The starting staff: who can sign in on this machine with which card and PIN."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.service.files import write_whole


@dataclass(frozen=True)
class CardHolder:
    """Somebody who can sign in on this machine. The PIN is kept only because this is a trial.

    Attributes:
        what: their part in the walk, e.g. ``RA manager``.
        name: given and family name.
        uid: their 12-digit user id.
        card_serial: the card that is theirs.
        pin: its PIN.
    """

    what: str
    name: str
    uid: str
    card_serial: str
    pin: str


class Staff:
    """The list in one file, readable by the owner alone."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def all(self) -> list[CardHolder]:
        """Everybody, in the order in which they came."""
        if not self._file.exists():
            return []
        return [CardHolder(**each) for each in json.loads(self._file.read_text())]

    def of(self, uid: str) -> CardHolder | None:
        """The holder with this user id."""
        return next((each for each in self.all() if each.uid == uid), None)

    def keep(self, holder: CardHolder) -> CardHolder:
        """Keep one more. Called before the card gets its PIN, which nobody would know otherwise."""
        write_whole(self._file, json.dumps([asdict(each) for each in (*self.all(), holder)], indent=2))
        return holder
