"""How many tries of the SO PIN are left: asked of the card itself, because no module tells (C_GetTokenInfo).

OpenSC and ykcs11 leave CKF_SO_PIN_FINAL_TRY unset however often a wrong SO PIN was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import pcsc
from cryptoki.card_profile import SoTries

_SELECT_HSM: Final = bytes.fromhex("00a404000be82b0601040181c31f020100")
_VERIFY_SO: Final = bytes.fromhex("00200088")
_SELECT_PIV: Final = bytes.fromhex("00a4040005a000000308")
_METADATA_OF_PUK: Final = bytes.fromhex("00f7008100")
_TRIES_OF_PUK: Final = b"\x06\x02"
_TRIES_LEFT: Final = 0x63C0
_BLOCKED: Final = 0x6983


def so_tries_left(kind: SoTries, reader: str) -> int | None:
    """The tries of the SO PIN, or of the PUK that stands for it; None when the card does not tell.

    Nobody is logged in to the card afterwards.
    """
    if kind not in _ASKING:
        return None
    with pcsc.Context() as context, context.connect(reader, reset_after=True) as card:
        return _ASKING[kind](card)


def _smartcard_hsm(card: pcsc.Connection) -> int | None:
    """VERIFY without a PIN tells the tries in the status word (ISO/IEC 7816-4, 11.5.6)."""
    card.transmit(_SELECT_HSM)
    status = int.from_bytes(card.transmit(_VERIFY_SO)[-2:], "big")
    if status == _BLOCKED:
        return 0
    return status & 0x0F if status & 0xFFF0 == _TRIES_LEFT else None


def _piv(card: pcsc.Connection) -> int | None:
    """GET METADATA of the PUK (Yubico): data object 06 holds all tries and those that are left."""
    card.transmit(_SELECT_PIV)
    told = card.transmit(_METADATA_OF_PUK)[:-2]
    at = told.find(_TRIES_OF_PUK)
    return told[at + 3] if at >= 0 else None


_ASKING: Final[Mapping[SoTries, Callable[[pcsc.Connection], int | None]]] = {
    SoTries.SMARTCARD_HSM: _smartcard_hsm,
    SoTries.PIV: _piv,
}
