"""The desk whose readers are real to PC/SC and whose cards are emulated: ``./run --pcsc``, and the tests.

Everything about a card in a reader goes through pcscd and the card's PKCS#11 module, as with a card of
plastic. Only the hand is played: cards are put in and taken out on the desk's page. A card in the drawer is
known by what it showed when it last lay in a reader, as one knows a real one by its face.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import virtual_card
from card_agent.card_process import CardProcesses
from card_agent.errors import Refusal
from card_agent.pcsc_cards import PcscCardOpener
from card_agent.pin import Pin
from card_agent.ports import (
    Card,
    CardContents,
    Desk,
    KeyProof,
    KeySet,
    LoggedInCard,
    PublicKeys,
    Purpose,
    ReaderState,
)
from card_agent.reader_scan import Scan, scan
from card_agent.readers_desk import ReadersDesk
from card_agent.virtual_cards import refusals
from virtual_card.pcsc import SOCKET_VARIABLE, PcscDesk, pcsc_reader_name, run_link

_SEEN = "seen.json"


@dataclass(frozen=True)
class EmulatedCardOpener:
    """Opens a card of the desk in ``desk_folder``, in a reader or in the drawer. Goes by pickling."""

    desk_folder: Path
    in_readers: PcscCardOpener

    def __call__(self, serial: str, reader: str = "") -> Card:
        """Return the card. Raises Refusal when the desk has no such card."""
        use_readers_of(self.desk_folder)
        desk = PcscDesk(self.desk_folder)
        with refusals():
            folder = desk.card(serial).folder
            inserted = {reader.card.serial for reader in desk.readers() if reader.card}
        return _EmulatedCard(folder / _SEEN, self.in_readers(serial, reader), serial in inserted)


class EmulatedDesk:
    """The desk of the folder, whose readers a ``virtual_card.pcsc.PcscService`` runs."""

    has_drawer = True

    def __init__(self, folder: Path, profiles: Sequence[str], processes: CardProcesses) -> None:
        self._desk = PcscDesk(folder)
        self._profile = profiles[0]
        self._readers = ReadersDesk(profiles, processes, partial(_scan, folder))

    def readers(self) -> Sequence[ReaderState]:
        """Return both readers, as PC/SC shows them. Raises ReadersUnavailable."""
        seen = {state.name: state for state in self._readers.readers()}
        return [
            replace(seen[shown], reader=position, name=name)
            for position, name in virtual_card.READER_NAMES.items()
            if (shown := pcsc_reader_name(position)) in seen
        ]

    def drawer(self) -> Sequence[str]:
        """Return the serials of the cards in no reader."""
        with refusals():
            inserted = {reader.card.serial for reader in self._desk.readers() if reader.card}
            return [card.serial for card in self._desk.cards() if card.serial not in inserted]

    def insert(self, reader: str, serial: str) -> None:
        """Insert a card of the drawer. Raises Refusal."""
        with refusals():
            self._desk.insert(reader, serial)

    def remove(self, reader: str) -> None:
        """Take the card out. Raises Refusal."""
        with refusals():
            self._desk.remove(reader)

    def take_blank(self, reader: str) -> str:
        """Insert a new blank card of the first profile and return its serial. Raises Refusal."""
        with refusals():
            if self._desk.reader(reader).card:
                raise Refusal("There is a card in this reader. Remove it first.")
            card = self._desk.take_blank_card(profile=self._profile)
            self._desk.insert(reader, card.serial)
        return card.serial

    def fingerprint(self, serial: str) -> object:
        """Return a value that changes when the card changes or is moved."""
        return serial in self.drawer(), self._readers.fingerprint(serial)


def use_readers_of(folder: Path) -> None:
    """Have this process find the readers that the desk's folder runs, by a link that outlives a new start."""
    os.environ[SOCKET_VARIABLE] = str(run_link(folder) / "pcscd.comm")


def _scan(folder: Path, profiles: Sequence[str]) -> Scan:
    use_readers_of(folder)
    return scan(profiles)


class _EmulatedCard:
    """The card through PC/SC; in the drawer only what it showed last."""

    def __init__(self, seen: Path, card: Card, is_inserted: bool) -> None:
        self._seen = seen
        self._card = card
        self._is_inserted = is_inserted

    def open_ahead(self) -> None:
        """Have the card open for the next call."""
        self._card.open_ahead()

    def close_ahead(self) -> None:
        """Close it if no call came."""
        self._card.close_ahead()

    def held(self) -> AbstractContextManager[None]:
        """Keep the card open until the block ends."""
        return self._card.held()

    def contents(self, keys: KeySet | None = None) -> CardContents:
        """Read the card in its reader, or recall it: of a card in the drawer only the set in use is known."""
        if not self._is_inserted:
            return self._recalled()
        contents = self._card.contents(keys)
        if keys is None:
            self._remember(contents)
        return contents

    def log_in(self, pin: Pin, *, consent_to_last_try: bool = False) -> AbstractContextManager[LoggedInCard]:
        """Log in as the holder. A card in the drawer is in no reader, which the card itself refuses."""
        return self._card.log_in(pin, consent_to_last_try=consent_to_last_try)

    def initialise(self, so_pin: Pin, pin: Pin, earlier_so_pins: Sequence[Pin] = ()) -> bool:
        """Erase the card and set both PINs."""
        return self._card.initialise(so_pin, pin, earlier_so_pins)

    def proofs(self, keys: KeySet, public_keys: PublicKeys) -> Mapping[Purpose, KeyProof]:
        """Return the card's proofs for the keys of the set."""
        return self._card.proofs(keys, public_keys)

    def unblock(self, so_pins: Sequence[Pin], new_pin: Pin, *, consent_to_last_try: bool = False) -> int:
        """Set a new PIN as the SO."""
        return self._card.unblock(so_pins, new_pin, consent_to_last_try=consent_to_last_try)

    def change_so_pin(self, present: Pin, following: Pin, *, consent_to_last_try: bool = False) -> None:
        """Give the card another SO PIN."""
        self._card.change_so_pin(present, following, consent_to_last_try=consent_to_last_try)

    def clear(self, so_pins: Sequence[Pin], pin: Pin, *, consent_to_last_try: bool = False) -> Sequence[str]:
        """Make the card blank; its face in the drawer is then a blank one's."""
        left = self._card.clear(so_pins, pin, consent_to_last_try=consent_to_last_try)
        self._seen.unlink(missing_ok=True)
        return left

    def _remember(self, contents: CardContents) -> None:
        shown = {purpose.value: der.hex() for purpose, der in contents.certificates.items()}
        virtual_card.write_json_durably(
            self._seen,
            {"certificates": shown, "tries_left": contents.tries_left, "keys": contents.keys.value},
        )

    def _recalled(self) -> CardContents:
        if not self._seen.exists():
            return CardContents({}, virtual_card.PIN_TRIES)
        told = virtual_card.read_json_object(self._seen)
        ders = {Purpose(name): bytes.fromhex(der) for name, der in told["certificates"].items()}
        return CardContents(ders, told["tries_left"], KeySet(told.get("keys", KeySet.FIRST.value)))


_DESK: type[Desk] = EmulatedDesk  # states which port the class meets
