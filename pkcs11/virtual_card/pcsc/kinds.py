"""The kinds of card that there are in software behind a reader, by the name of their card profile."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from virtual_card.iso7816 import Applet, OrderedFaults
from virtual_card.maker import Maker
from virtual_card.piv import Piv
from virtual_card.piv import manufacture as manufacture_piv
from virtual_card.smartcard_hsm import SmartCardHsm
from virtual_card.smartcard_hsm import manufacture as manufacture_smartcard_hsm


@dataclass(frozen=True)
class CardKind:
    """How a kind of card is numbered, made, and brought to life."""

    new_serial: Callable[[], str]
    manufacture: Callable[[Path, str, Maker], None]
    applet: Callable[[Path, OrderedFaults], Applet]


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))


KINDS: Final[Mapping[str, CardKind]] = {
    # Its number is the holder reference of the device certificate, at most 11 characters: country and name.
    "smartcard-hsm": CardKind(lambda: "VC" + _digits(9), manufacture_smartcard_hsm, SmartCardHsm),
    # Eight digits as on a YubiKey; the first is not 0, because it is a number.
    "piv": CardKind(lambda: str(secrets.choice(range(10**7, 10**8))), manufacture_piv, Piv),
}
