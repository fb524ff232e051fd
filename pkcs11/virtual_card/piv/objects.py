"""The data objects of a PIV card (SP 800-73-4 part 1, 4): certificates and what is printed on it."""

from __future__ import annotations

from typing import Final

from virtual_card.iso7816 import Command, Refused, StatusWord
from virtual_card.iso7816.tlv import encoded, fields, required
from virtual_card.piv.access import Access
from virtual_card.piv.state import PivMemory

APPLICATION: Final = bytes.fromhex("a000000308000010000100")
_TAG_LIST, _DATA = 0x5C, 0x53
_DISCOVERY: Final = "7e"
_ATTESTATION: Final = "5fff01"
# Only the holder sees them: fingerprints, the printed information, the face, the irises.
_BEHIND_PIN: Final = frozenset({"5fc103", "5fc109", "5fc108", "5fc121"})
_LONGEST: Final = 3 * 1024


class Objects:
    """Reads and writes data objects."""

    def __init__(self, memory: PivMemory, access: Access) -> None:
        self._memory = memory
        self._access = access

    def get(self, command: Command) -> bytes:
        """GET DATA."""
        tag = required(fields(command.data), _TAG_LIST).hex()
        if tag == _DISCOVERY:
            return encoded(0x7E, encoded(0x4F, APPLICATION) + encoded(0x5F2F, b"\x40\x00"))
        if tag in _BEHIND_PIN:
            self._access.require_holder(at_once=False)
        return encoded(_DATA, self._content(tag))

    def put(self, command: Command) -> bytes:
        """PUT DATA; an empty object deletes."""
        self._access.require_manager()
        given = fields(command.data)
        tag, content = required(given, _TAG_LIST).hex(), given.get(_DATA, b"")
        if tag == _ATTESTATION or len(content) > _LONGEST:
            raise Refused(StatusWord.WRONG_DATA)
        kept = {name: data for name, data in self._memory.state.objects.items() if name != tag}
        self._memory.change(objects={**kept, tag: content} if content else kept)
        return b""

    def _content(self, tag: str) -> bytes:
        state = self._memory.state
        if tag == _ATTESTATION:
            return encoded(0x70, state.attestation_certificate) + encoded(0x71, b"\0") + encoded(0xFE, b"")
        if tag not in state.objects:
            raise Refused(StatusWord.FILE_NOT_FOUND)
        return state.objects[tag]
