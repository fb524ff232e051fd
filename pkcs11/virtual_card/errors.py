"""What the desk and its cards refuse. Wrong and locked PINs are refused with the errors of ``cryptoki``."""

from __future__ import annotations

from typing import ClassVar


class VirtualCardError(Exception):
    """Base. The message is a sentence that says what to do; ``code`` never changes."""

    code: ClassVar[str] = "virtual_card"


class NoSuchCard(VirtualCardError):
    """The folder holds no card of that serial."""

    code = "no_such_card"


class CardAlreadyExists(VirtualCardError):
    """A card of that serial lies in the folder already."""

    code = "card_already_exists"


class CardDamaged(VirtualCardError):
    """A file of the card cannot be read."""

    code = "card_damaged"


class CardInUse(VirtualCardError):
    """Another program holds the card."""

    code = "card_in_use"


class CardNotInitialised(VirtualCardError):
    """The card is blank."""

    code = "card_not_initialised"


class InvalidSerial(VirtualCardError):
    """A card serial is 1 to 32 letters, digits or hyphens."""

    code = "invalid_serial"


class NoSuchReader(VirtualCardError):
    """The desk has no reader of that name."""

    code = "no_such_reader"


class ReaderOccupied(VirtualCardError):
    """A card lies in the reader already."""

    code = "reader_occupied"


class ReaderEmpty(VirtualCardError):
    """No card lies in the reader."""

    code = "reader_empty"


class CardInOtherReader(VirtualCardError):
    """The card lies in the other reader."""

    code = "card_in_other_reader"


class ReadersNotRunning(VirtualCardError):
    """The program with the PC/SC readers does not run."""

    code = "readers_not_running"


class NoSuchKind(VirtualCardError):
    """There is no card in software of that kind."""

    code = "no_such_kind"
