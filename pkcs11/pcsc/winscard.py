"""The functions of libpcsclite through ctypes (winscard.h, pcsclite.h, wintypes.h)."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

from pcsc.errors import LibraryMissing, error_of

_LIBRARY: Final = "libpcsclite.so.1"
_SUCCESS: Final = 0
_NOT_FOUND: Final = 0x8010001F

SCOPE_SYSTEM: Final = 2
SHARE_SHARED: Final = 2
PROTOCOL_T0: Final = 1
PROTOCOL_T1: Final = 2
LEAVE_CARD: Final = 0
RESET_CARD: Final = 1
STATE_UNAWARE: Final = 0x0000
STATE_CHANGED: Final = 0x0002
STATE_PRESENT: Final = 0x0020
STATE_MUTE: Final = 0x0200
EVENTS_SHIFT: Final = 16
LONGEST_ATR: Final = 33
LONGEST_ANSWER: Final = 65538


class ReaderState(ctypes.Structure):
    """SCARD_READERSTATE."""

    _fields_ = (
        ("reader", ctypes.c_char_p),
        ("user_data", ctypes.c_void_p),
        ("current_state", ctypes.c_ulong),
        ("event_state", ctypes.c_ulong),
        ("atr_length", ctypes.c_ulong),
        ("atr", ctypes.c_ubyte * LONGEST_ATR),
    )


class IoRequest(ctypes.Structure):
    """SCARD_IO_REQUEST: the protocol of an APDU."""

    _fields_ = (("protocol", ctypes.c_ulong), ("length", ctypes.c_ulong))


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(_LIBRARY)


def call(function: str, *arguments: Any) -> None:
    """Call a function. Raises the PcscError of what it returned."""
    try:
        code = getattr(_library(), function)(*arguments) & 0xFFFFFFFF
    except OSError:
        raise LibraryMissing(function, _NOT_FOUND) from None
    if code != _SUCCESS:
        raise error_of(function, code)
