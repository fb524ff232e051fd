"""The applet: which instruction does what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from virtual_card.iso7816 import Command, Memory, OrderedFaults, Refused, StatusWord
from virtual_card.iso7816.tlv import encoded
from virtual_card.key_material import pkcs8
from virtual_card.maker import Maker
from virtual_card.piv.access import Access
from virtual_card.piv.keys import FIRMWARE, MANAGEMENT, Keys, described
from virtual_card.piv.objects import APPLICATION, Objects
from virtual_card.piv.state import DEFAULT_MANAGEMENT_KEY, DEFAULT_PIN, DEFAULT_PUK, TRIES, PivState

# The historical bytes say YubiKey: OpenSC offers ECDSA with this ATR only.
_ATR: Final = bytes.fromhex("3bfd1300008131fe158073c021c057597562694b657940")
_BY_NAME: Final = 0x04
_PIN, _PUK = 0x80, 0x81
_TRIPLE_DES: Final = 0x03


class Piv:
    """A PIV card whose memory lies in a file (an Applet)."""

    def __init__(self, memory_file: Path, faults: OrderedFaults) -> None:
        self._memory = Memory(memory_file, PivState, lambda: faults.is_full)
        self._access = Access(self._memory)
        self._keys = Keys(self._memory, self._access)
        self._selected = False
        objects = Objects(self._memory, self._access)
        self._instructions: Mapping[int, Callable[[Command], bytes]] = {
            0x20: self._access.verify,
            0x24: self._access.change,
            0x2C: self._access.reset_retry_counter,
            0x47: self._keys.generate,
            0x87: self._keys.authenticate,
            0xCB: objects.get,
            0xDB: objects.put,
            0xF7: self._metadata,
            0xF8: lambda command: self._memory.state.serial.to_bytes(4, "big"),
            0xF9: self._keys.attest,
            0xFB: self._factory_reset,
            0xFD: lambda command: FIRMWARE,
            0xFF: self._access.set_management_key,
        }

    @property
    def atr(self) -> bytes:
        """The answer to reset of a YubiKey 5."""
        return _ATR

    def reset(self) -> None:
        """Nobody is logged in, the application is not selected."""
        self._access.forget()
        self._selected = False

    def process(self, command: Command) -> bytes:
        """Carry out a command. Raises Refused."""
        if command.ins == 0xA4:
            return self._select(command)
        if not self._selected or command.ins not in self._instructions:
            raise Refused(StatusWord.INSTRUCTION_NOT_SUPPORTED)
        if command.ins not in {0x87, 0x20}:
            # The PIN for the signature key must come right before the signature (SP 800-73-4 part 1, 3.2.2).
            self._access.is_fresh = False
        return self._instructions[command.ins](command)

    def _select(self, command: Command) -> bytes:
        """SELECT the application by its name or the beginning of it; forgets who has proved what."""
        if command.p1 != _BY_NAME or not command.data or not APPLICATION.startswith(command.data):
            raise Refused(StatusWord.FILE_NOT_FOUND)
        self._access.forget()
        self._selected = True
        provider = encoded(0x79, encoded(0x4F, APPLICATION[:5]))
        return encoded(0x61, encoded(0x4F, APPLICATION[5:]) + provider)

    def _metadata(self, command: Command) -> bytes:
        """GET METADATA (Yubico): of the PIN, the PUK, the management key, or a key."""
        state = self._memory.state
        if command.p2 == MANAGEMENT:
            is_default = state.management_key == DEFAULT_MANAGEMENT_KEY
            about = encoded(1, bytes((_TRIPLE_DES,))) + encoded(2, b"\0\x01")
            return about + encoded(5, bytes((is_default,)))
        if command.p2 == _PIN:
            return _about_pin(state.pin == DEFAULT_PIN, state.pin_tries_left)
        if command.p2 == _PUK:
            return _about_pin(state.puk == DEFAULT_PUK, state.puk_tries_left)
        return described(self._keys.key(command.p2), command.p2)

    def _factory_reset(self, command: Command) -> bytes:
        """RESET (Yubico): only when PIN and PUK are both blocked. The attestation key stays."""
        state = self._memory.state
        if state.pin_tries_left or state.puk_tries_left:
            raise Refused(StatusWord.CONDITIONS_OF_USE)
        blank = PivState(state.serial, state.attestation_key, state.attestation_certificate)
        self._memory.commit(blank)
        self._access.forget()
        return b""


def manufacture(memory_file: Path, serial: str, maker: Maker) -> None:
    """Make a new card: its attestation key, and the maker's certificate for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = maker.attestation_certificate(serial, key.public_key())
    Memory.lay_out(memory_file, PivState(int(serial), pkcs8(key), certificate))


def _about_pin(is_default: bool, tries_left: int) -> bytes:
    return encoded(5, bytes((is_default,))) + encoded(6, bytes((TRIES, tries_left)))
