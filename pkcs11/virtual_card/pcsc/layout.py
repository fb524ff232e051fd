"""Where things lie in the folder of a desk with PC/SC readers.

desk.json, cards/            as for every desk
cards/<serial>/memory.json   what the card remembers
               faults.json   faults that were ordered
maker/                       the maker's keys and roots
readers.sock                 the readers' program takes orders here
run                          a link to the short-named folder with pcscd's socket and configuration
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from virtual_card.card import VirtualCard

READER_NAME: Final = "Yubico compatible virtual reader"
FIRST_PORT: Final = 0x8C7B
SLOTS: Final = {"left": 0, "right": 1}


def pcsc_reader_name(position: str) -> str:
    """The name by which PC/SC knows the reader. ykcs11 looks at readers of this first word only."""
    return f"{READER_NAME} 00 0{SLOTS[position]}"


def memory_file(card: VirtualCard) -> Path:
    """What the card remembers."""
    return card.folder / "memory.json"


def faults_file(card: VirtualCard) -> Path:
    """The faults that are ordered for the card."""
    return card.folder / "faults.json"


def maker_folder(desk: Path) -> Path:
    """The card maker's."""
    return desk / "maker"


def run_link(desk: Path) -> Path:
    """Leads to the folder with the sockets, whose path must be short (unix(7): 107 octets)."""
    return desk / "run"
