"""The files of a SmartCard-HSM: a flat list by file identifier, whose first octet says what the file is."""

from __future__ import annotations

from typing import Final

from virtual_card.iso7816 import Command, Refused, StatusWord
from virtual_card.iso7816.tlv import encoded, fields, required
from virtual_card.smartcard_hsm.pins import Pins
from virtual_card.smartcard_hsm.state import HsmMemory

DEVICE_CERTIFICATES: Final = "2f02"
KEY_PREFIX: Final = "cc"
CERTIFICATE_PREFIX: Final = "ce"
_CONFIDENTIAL_PREFIX: Final = "cd"
_OFFSET: Final = 0x54
_DATA: Final = 0x53
_LONGEST_FILE: Final = 8 * 1024


class Files:
    """Reads, writes, deletes and lists files; which file is selected."""

    def __init__(self, memory: HsmMemory, pins: Pins) -> None:
        self._memory = memory
        self._pins = pins
        self.selected: str | None = None

    def select(self, identifier: str) -> bytes:
        """SELECT by file identifier; the answer is the file control information (ISO/IEC 7816-4, 5.3.3)."""
        size = 0 if identifier in self._key_files() else len(self._content(identifier))
        self.selected = identifier
        control = encoded(0x82, b"\x01") + encoded(0x80, size.to_bytes(2, "big"))
        return encoded(0x6F, control + encoded(0x83, bytes.fromhex(identifier)))

    def read(self, command: Command) -> bytes:
        """READ BINARY with an offset data object (odd INS)."""
        identifier = self._addressed(command)
        if identifier.startswith(_CONFIDENTIAL_PREFIX):
            self._pins.require_user()
        offset = int.from_bytes(required(fields(command.data), _OFFSET), "big")
        part = self._content(identifier)[offset:][: command.answer_length or 256]
        if not part:
            raise Refused(StatusWord.END_OF_FILE)
        return part

    def write(self, command: Command) -> bytes:
        """UPDATE BINARY with offset and data objects (odd INS). Offset 0 begins the file anew."""
        self._pins.require_user()
        identifier = self._addressed(command)
        if identifier == DEVICE_CERTIFICATES or identifier in self._key_files():
            raise Refused(StatusWord.SECURITY_STATUS)
        given = fields(command.data)
        offset = int.from_bytes(required(given, _OFFSET), "big")
        earlier = self._memory.state.files.get(identifier, b"") if offset else b""
        if offset > len(earlier) or offset + len(given.get(_DATA, b"")) > _LONGEST_FILE:
            raise Refused(StatusWord.WRONG_DATA)
        self.put(identifier, earlier[:offset] + given.get(_DATA, b""))
        return b""

    def delete(self, command: Command) -> bytes:
        """DELETE FILE: of a key file the key itself."""
        self._pins.require_user()
        identifier, state = command.data.hex(), self._memory.state
        if identifier in self._key_files():
            kept = {name: key for name, key in state.keys.items() if KEY_PREFIX + name != identifier}
            self._memory.change(keys=kept)
            return b""
        self._content(identifier)
        if identifier == DEVICE_CERTIFICATES:
            raise Refused(StatusWord.SECURITY_STATUS)
        self._memory.change(files={name: data for name, data in state.files.items() if name != identifier})
        return b""

    def enumerate(self, command: Command) -> bytes:
        """ENUMERATE OBJECTS: every file identifier, two octets each."""
        return bytes.fromhex("".join((*self._key_files(), *self._memory.state.files)))

    def put(self, identifier: str, content: bytes) -> None:
        """Write a whole file."""
        self._memory.change(files={**self._memory.state.files, identifier: content})

    def _addressed(self, command: Command) -> str:
        """P1 and P2 name the file, which selects it, or say 0000, the selected one."""
        if command.p1p2:
            self.selected = f"{command.p1p2:04x}"
        if self.selected is None:
            raise Refused(StatusWord.FILE_NOT_FOUND)
        return self.selected

    def _content(self, identifier: str) -> bytes:
        state = self._memory.state
        if identifier == DEVICE_CERTIFICATES:
            return state.device_certificates
        if identifier not in state.files:
            raise Refused(StatusWord.FILE_NOT_FOUND)
        return state.files[identifier]

    def _key_files(self) -> list[str]:
        """The device's own key has the identifier 00."""
        return [KEY_PREFIX + "00", *(KEY_PREFIX + name for name in self._memory.state.keys)]
