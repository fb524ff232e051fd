"""Faults to order: what a card does wrong, at which APDU, so that a test can see how its reader copes.

They lie in a file beside the card's memory, which the card looks at before each APDU: the first APDU after
the file was written is number 1. Without the file the card is faultless.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

from virtual_card.files import read_json_object, write_json_durably


class CardPulled(Exception):
    """The card is torn out of the reader in the middle of a command, which is not carried out."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong. APDUs are counted from 1; 0 means never.

    Attributes:
        pulled_at: the APDU at which the card is torn out, before it does anything.
        milliseconds_each: how much longer every APDU takes.
        is_full: whether there is no room for anything new (6A84).
        wrong_status_at, wrong_status: the APDU that is not carried out, and the status word it gets.
    """

    pulled_at: int = 0
    milliseconds_each: int = 0
    is_full: bool = False
    wrong_status_at: int = 0
    wrong_status: int = 0x6F00


class OrderedFaults:
    """The faults that are ordered in ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._count = 0
        self._faults = Faults()

    @staticmethod
    def order(path: Path, faults: Faults) -> None:
        """Order faults; the counting begins anew. ``Faults()`` ends them."""
        write_json_durably(path, dataclasses.asdict(faults))

    @property
    def is_full(self) -> bool:
        """Whether the card pretends to have no room."""
        return self._faults.is_full

    def before_apdu(self) -> int | None:
        """Count an APDU and wait; returns the wrong status word when this is the one. Raises CardPulled."""
        self._look()
        self._count += 1
        time.sleep(self._faults.milliseconds_each / 1000)
        if self._count == self._faults.pulled_at:
            # Once: the card that is inserted again works.
            self._path.unlink(missing_ok=True)
            raise CardPulled
        return self._faults.wrong_status if self._count == self._faults.wrong_status_at else None

    def _look(self) -> None:
        try:
            written_at = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            written_at = 0
        if written_at != self._read_at:
            self._faults = Faults(**read_json_object(self._path)) if written_at else Faults()
            self._read_at, self._count = written_at, 0
