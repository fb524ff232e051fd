"""A card in software: a private folder with a SoftHSM token and what the card knows of itself.

<serial>/card.json         serial, profile, back_number: printed on the card, so to say; never changes
         tries.json        wrong PINs in a row
         tokens/           SoftHSM's
         softhsm2.conf
         lock              held by the one process that uses the card
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptoki import prepare_softhsm_folder
from virtual_card.errors import CardAlreadyExists, CardDamaged, InvalidSerial, NoSuchCard
from virtual_card.files import read_json_object, write_json_durably
from virtual_card.tries import TryCounter

PIN_TRIES: Final = 3
_SERIAL: Final = re.compile(r"[A-Za-z0-9-]{1,32}")
_BACK_NUMBER_DIGITS: Final = 12


@dataclass(frozen=True)
class VirtualCard:
    """A card. ``profile`` names the card profile; ``back_number`` is the number printed on its back."""

    folder: Path
    serial: str
    profile: str
    back_number: str

    @classmethod
    def create(
        cls,
        cards: Path,
        serial: str,
        *,
        profile: str = "softhsm",
        lay_out: Callable[[VirtualCard], None] | None = None,
    ) -> VirtualCard:
        """Make a blank card in the folder ``cards``; ``lay_out`` writes its files, SoftHSM's by default.

        Raises InvalidSerial, CardAlreadyExists.
        """
        folder = _folder_of(cards, serial)
        cards.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError as error:
            raise CardAlreadyExists(f"There is a card {serial} already.") from error
        card = cls(folder, serial, profile, _new_back_number())
        (lay_out or cls.lay_out_blank)(card)
        # Last, because a folder is a card once it has this file.
        content = {"serial": serial, "profile": profile, "back_number": card.back_number}
        write_json_durably(folder / "card.json", content)
        return card

    @classmethod
    def read(cls, cards: Path, serial: str) -> VirtualCard:
        """The card of that serial. Raises NoSuchCard, CardDamaged."""
        folder = _folder_of(cards, serial)
        if not (folder / "card.json").is_file():
            raise NoSuchCard(f"There is no card {serial}.")
        content = read_json_object(folder / "card.json")
        if content.get("serial") != serial:
            raise CardDamaged(f"The folder of card {serial} holds another card; take another card.")
        return cls(folder, serial, str(content.get("profile")), str(content.get("back_number")))

    @property
    def conf(self) -> Path:
        """SoftHSM's configuration file for this card."""
        return self.folder.resolve() / "softhsm2.conf"

    @property
    def tries(self) -> TryCounter:
        """The PIN try counter; whoever changes it holds the card's lock."""
        return TryCounter(self.folder / "tries.json", PIN_TRIES)

    def tries_left(self) -> int:
        """How many PIN tries are left; 0 means locked. Can be asked while another process has the card."""
        return self.tries.left()

    def lay_out_blank(self) -> None:
        """Write the files of a blank card, apart from what the card knows of itself."""
        prepare_softhsm_folder(self.folder)
        self.tries.reset()


def cards_in(cards: Path) -> list[VirtualCard]:
    """Every card in the folder, by serial."""
    return [VirtualCard.read(cards, path.parent.name) for path in sorted(cards.glob("*/card.json"))]


def _folder_of(cards: Path, serial: str) -> Path:
    """A serial becomes a folder name, so nothing else may pass for one."""
    if not _SERIAL.fullmatch(serial):
        raise InvalidSerial("A card serial is 1 to 32 letters, digits or hyphens.")
    return cards / serial


def _new_back_number() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(_BACK_NUMBER_DIGITS))
