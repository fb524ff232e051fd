"""The applet: which instruction does what."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from virtual_card.iso7816 import Command, Memory, OrderedFaults, Refused, StatusWord
from virtual_card.iso7816.tlv import encoded, fields, required
from virtual_card.key_material import pkcs8
from virtual_card.maker import Maker
from virtual_card.smartcard_hsm.files import Files
from virtual_card.smartcard_hsm.keys import Keys
from virtual_card.smartcard_hsm.pins import Pins
from virtual_card.smartcard_hsm.state import SO_TRIES, HsmState

_APPLICATION: Final = bytes.fromhex("e82b0601040181c31f0201")
_ATR: Final = bytes.fromhex("3bfe1800008131fe458031815448534d31738021408107fa")
_VERSION: Final = b"\xff\x03\x05"
_BY_NAME: Final = 0x04
_OPTIONS, _PIN, _SO_PIN, _TRIES = 0x80, 0x81, 0x82, 0x91


class SmartCardHsm:
    """A SmartCard-HSM whose memory lies in a file (an Applet)."""

    def __init__(self, memory_file: Path, faults: OrderedFaults) -> None:
        self._memory = Memory(memory_file, HsmState, lambda: faults.is_full)
        self._pins = Pins(self._memory)
        self._files = Files(self._memory, self._pins)
        self._keys = Keys(self._memory, self._pins)
        self._instructions: Mapping[int, Callable[[Command], bytes]] = {
            0xA4: self._select,
            0x20: self._pins.verify,
            0x24: self._pins.change,
            0x2C: self._pins.reset_retry_counter,
            0xB1: self._files.read,
            0xD7: self._files.write,
            0xE4: self._files.delete,
            0x58: self._files.enumerate,
            0x46: self._keys.generate,
            0x68: self._keys.sign,
            0x62: self._keys.decipher,
            0x50: self._initialise,
            0x84: _challenge,
        }

    @property
    def atr(self) -> bytes:
        """The answer to reset of a contact SmartCard-HSM."""
        return _ATR

    def reset(self) -> None:
        """Nobody is logged in, no file is selected."""
        self._pins.is_user = False
        self._files.selected = None

    def process(self, command: Command) -> bytes:
        """Carry out a command. Raises Refused."""
        if command.ins not in self._instructions:
            raise Refused(StatusWord.INSTRUCTION_NOT_SUPPORTED)
        return self._instructions[command.ins](command)

    def _select(self, command: Command) -> bytes:
        """SELECT: the application by name, which logs out, or by nothing; a file by its identifier."""
        if command.p1 != _BY_NAME and command.data:
            return self._files.select(command.data.hex())
        if command.p1 == _BY_NAME:
            if not (command.data and _APPLICATION.startswith(command.data)):
                raise Refused(StatusWord.FILE_NOT_FOUND)
            self.reset()
        self._files.selected = None
        return encoded(0x6F, encoded(0x82, b"\x38") + encoded(0x85, self._memory.state.options + _VERSION))

    def _initialise(self, command: Command) -> bytes:
        """INITIALIZE DEVICE: erase everything. A card in use asks for its present SO PIN."""
        given = fields(command.data)
        so_pin = required(given, _SO_PIN)
        if self._memory.state.initialised:
            self._pins.require_so(so_pin)
        tries = required(given, _TRIES)[0]
        fresh = replace(
            self._memory.state,
            initialised=True,
            options=required(given, _OPTIONS),
            pin=required(given, _PIN),
            so_pin=so_pin,
            tries_left=tries,
            tries_allowed=tries,
            so_tries_left=SO_TRIES,
            files={},
            keys={},
        )
        self._memory.commit(fresh)
        self.reset()
        return b""


def manufacture(memory_file: Path, serial: str, maker: Maker) -> None:
    """Make a new card: its device key, and the maker's certificate for it."""
    device = ec.generate_private_key(ec.SECP256R1())
    certificates = maker.device_certificates(serial, device)
    Memory.lay_out(memory_file, HsmState(serial, pkcs8(device), certificates))


def _challenge(command: Command) -> bytes:
    """GET CHALLENGE."""
    return secrets.token_bytes(command.answer_length or 8)
