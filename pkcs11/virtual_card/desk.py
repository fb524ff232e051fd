"""The desk: two readers, a drawer with every card, and a box of blank ones that nobody has taken yet.

Where each lies survives a restart (desk.json, box.json).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from virtual_card.card import VirtualCard, cards_in
from virtual_card.errors import (
    CardAlreadyExists,
    CardInOtherReader,
    CardInUse,
    NoSuchCard,
    NoSuchReader,
    ReaderEmpty,
    ReaderOccupied,
)
from virtual_card.files import read_json_object, write_json_durably
from virtual_card.locking import exclusive

READER_NAMES: Final[Mapping[str, str]] = {"left": "Reader 1", "right": "Reader 2"}
_WAIT_SECONDS: Final = 5.0
_SERIAL_DIGITS: Final = 10


@dataclass(frozen=True)
class Reader:
    """A reader: ``position`` is left or right, ``card`` is what lies in it."""

    position: str
    name: str
    card: VirtualCard | None


class Desk:
    """The desk in ``folder``: desk.json and cards/. Any number of processes may use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cards_folder = folder / "cards"
        self.cards_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = folder / "desk.json"
        self._box_file = folder / "box.json"

    def readers(self) -> list[Reader]:
        """The two readers, left first."""
        placed = self._placed()
        return [
            Reader(position, name, self._card(placed[position])) for position, name in READER_NAMES.items()
        ]

    def reader(self, position: str) -> Reader:
        """One reader. Raises NoSuchReader."""
        _check_position(position)
        return next(reader for reader in self.readers() if reader.position == position)

    def cards(self) -> list[VirtualCard]:
        """Every card of the desk, in a reader or in the drawer."""
        in_box = set(self._box())
        return [card for card in cards_in(self.cards_folder) if card.serial not in in_box]

    def box(self) -> list[VirtualCard]:
        """The blank cards of the box, in the order in which they are taken."""
        return [self.card(serial) for serial in self._box()]

    def fill_box(self, number: int, *, profile: str) -> list[VirtualCard]:
        """Put blank cards into the box until there are so many; what was interrupted goes on."""
        while len(self._box()) < number:
            card = self.new_blank_card(profile=profile)
            with self._exclusive():
                write_json_durably(self._box_file, {"serials": [*self._box(), card.serial]})
        return self.box()

    def take_blank_card(self, *, profile: str) -> VirtualCard:
        """Take the next card of that kind out of the box; a new one that no box held when there is none."""
        with self._exclusive():
            serials = self._box()
            for serial in serials:
                card = self.card(serial)
                if card.profile == profile:
                    write_json_durably(
                        self._box_file, {"serials": [other for other in serials if other != serial]}
                    )
                    return card
        return self.new_blank_card(profile=profile)

    def card(self, serial: str) -> VirtualCard:
        """The card of that serial. Raises NoSuchCard."""
        return VirtualCard.read(self.cards_folder, serial)

    def new_blank_card(self, *, profile: str = "softhsm") -> VirtualCard:
        """Make a new card: a fresh serial, blank, in the drawer."""
        while True:
            try:
                return VirtualCard.create(self.cards_folder, _new_serial(), profile=profile)
            except CardAlreadyExists:
                continue

    def insert(self, position: str, serial: str) -> None:
        """Put a card into a reader. Raises NoSuchReader, NoSuchCard, ReaderOccupied, CardInOtherReader."""
        _check_position(position)
        self.card(serial)
        with self._changing() as placed:
            if placed[position] is not None:
                raise ReaderOccupied(f"A card lies in {READER_NAMES[position]}; take it out first.")
            if serial in placed.values():
                raise CardInOtherReader(f"Card {serial} lies in the other reader; take it out first.")
            placed[position] = serial

    def remove(self, position: str) -> None:
        """Take the card out of a reader. Raises NoSuchReader, ReaderEmpty."""
        _check_position(position)
        with self._changing() as placed:
            if placed[position] is None:
                raise ReaderEmpty(f"No card lies in {READER_NAMES[position]}.")
            placed[position] = None

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str | None]]:
        with self._exclusive():
            placed = self._placed()
            yield placed
            write_json_durably(self._file, placed)

    def _exclusive(self) -> AbstractContextManager[None]:
        return exclusive(self.folder / "desk.lock", _WAIT_SECONDS, _desk_in_use)

    def _box(self) -> list[str]:
        stored = read_json_object(self._box_file) if self._box_file.exists() else {"serials": []}
        return list(stored["serials"])

    def _placed(self) -> dict[str, str | None]:
        stored = read_json_object(self._file) if self._file.exists() else {}
        return {position: stored.get(position) for position in READER_NAMES}

    def _card(self, serial: str | None) -> VirtualCard | None:
        """A card whose folder was deleted lies in no reader."""
        if serial is None:
            return None
        try:
            return self.card(serial)
        except NoSuchCard:
            return None


def _check_position(position: str) -> None:
    if position not in READER_NAMES:
        raise NoSuchReader(f"The desk has no reader {position!r}; it has left and right.")


def _desk_in_use() -> CardInUse:
    return CardInUse("Another program is changing the desk; try again in a moment.")


def _new_serial() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(_SERIAL_DIGITS))
