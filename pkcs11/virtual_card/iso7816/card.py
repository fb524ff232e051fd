"""A card around an applet: reads APDUs, gathers chained commands, hands out long answers (ISO/IEC 7816-4)."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final, Protocol

from virtual_card.iso7816.command import Command
from virtual_card.iso7816.faults import OrderedFaults
from virtual_card.iso7816.status import Refused, StatusWord

_GET_RESPONSE: Final = 0xC0
_SHORT_ANSWER: Final = 256
_MORE_TO_COME: Final = 0x6100
_LONGEST_CHAIN: Final = 16 * 1024
_log = logging.getLogger(__name__)


class Applet(Protocol):
    """What runs on the card."""

    @property
    def atr(self) -> bytes:
        """The answer to reset."""

    def reset(self) -> None:
        """Forget who is logged in, as at power-up."""

    def process(self, command: Command) -> bytes:
        """Carry out a whole command and return its answer. Raises Refused."""


class Card:
    """What the reader speaks to. Not thread-safe: a card does one thing at a time."""

    def __init__(self, applet: Applet, faults: OrderedFaults) -> None:
        self._applet = applet
        self._faults = faults
        self._chain = b""
        self._left = b""

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self._applet.atr

    def reset(self) -> None:
        """Power on, power off or reset: who is logged in and what is half said is forgotten."""
        self._chain = self._left = b""
        self._applet.reset()

    def transmit(self, apdu: bytes) -> bytes:
        """The answer to an APDU, with its status word. Raises CardPulled."""
        wrong_status = self._faults.before_apdu()
        answer, status = (b"", wrong_status) if wrong_status is not None else self._answered(apdu)
        # The header only: the data may hold a PIN.
        _log.debug("%s (%d octets) -> %d octets, %04x", apdu[:4].hex(), len(apdu), len(answer), status)
        return answer + status.to_bytes(2, "big")

    def _answered(self, apdu: bytes) -> tuple[bytes, int]:
        try:
            return self._handed_out(Command.from_untrusted(apdu))
        except Refused as refusal:
            return b"", refusal.status
        except Exception:  # a card never stops answering
            _log.exception("The applet failed at %s", apdu[:4].hex())
            return b"", StatusWord.NO_PRECISE_DIAGNOSIS

    def _handed_out(self, command: Command) -> tuple[bytes, int]:
        if command.ins != _GET_RESPONSE:
            gathered = self._gathered(command)
            if gathered is None:
                return b"", StatusWord.DONE
            self._left = self._applet.process(gathered)
        length = command.answer_length or _SHORT_ANSWER
        answer, self._left = self._left[:length], self._left[length:]
        if not self._left:
            return answer, StatusWord.DONE
        return answer, _MORE_TO_COME | (len(self._left) if len(self._left) < _SHORT_ANSWER else 0)

    def _gathered(self, command: Command) -> Command | None:
        """The whole command, or None while more of it is to come."""
        self._left = b""
        data, self._chain = self._chain + command.data, b""
        if len(data) > _LONGEST_CHAIN:
            raise Refused(StatusWord.WRONG_LENGTH)
        if command.is_chained:
            self._chain = data
            return None
        return replace(command, data=data)
