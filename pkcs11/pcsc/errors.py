"""What goes wrong between a program and a card in a reader."""

from __future__ import annotations

from typing import Final


class PcscError(Exception):
    """Base. ``code`` is what the winscard function returned, as a number."""

    sentence = "The smartcard service failed."

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function}: 0x{code:08X}. {self.sentence}")
        self.function = function
        self.code = code


class LibraryMissing(PcscError):
    """libpcsclite is not installed."""

    sentence = "The PC/SC library is not installed on this computer."


class NoPcscd(PcscError):
    """The service pcscd does not run, or does not let this user in."""

    sentence = "The smartcard service pcscd does not run on this computer."


class NoReader(PcscError):
    """The reader is not there, or no more."""

    sentence = "The reader is not connected."


class NoCard(PcscError):
    """No card lies in the reader, or it was taken out."""

    sentence = "There is no card in the reader."


class CardMute(PcscError):
    """The card does not answer to power: upside down, dirty or broken."""

    sentence = "The card does not answer. It may lie the wrong way round, be dirty or broken."


class CardInUse(PcscError):
    """Another program has the card for itself."""

    sentence = "Another program uses the card."


class CardWasReset(PcscError):
    """Another program reset the card, so nobody is logged in any more."""

    sentence = "Another program has reset the card."


# pcsclite.h
BY_CODE: Final[dict[int, type[PcscError]]] = {
    0x80100009: NoReader,  # unknown reader
    0x8010000B: CardInUse,  # sharing violation
    0x8010000C: NoCard,  # no smartcard
    0x80100017: NoReader,  # reader unavailable
    0x8010001D: NoPcscd,
    0x8010001E: NoPcscd,  # service stopped
    0x8010002E: NoReader,  # no readers available
    0x80100066: CardMute,  # unresponsive card
    0x80100067: CardMute,  # unpowered card
    0x80100068: CardWasReset,
    0x80100069: NoCard,  # removed card
    0x8010006A: NoPcscd,  # security violation: not let in
}


def error_of(function: str, code: int) -> PcscError:
    """The error for a return value other than SCARD_S_SUCCESS."""
    return BY_CODE.get(code, PcscError)(function, code)
