"""PIN, PUK and management key of a PIV card (SP 800-73-4 part 2, 3.2; Yubico's extension)."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from virtual_card.iso7816 import Command, Refused, StatusWord
from virtual_card.iso7816.tlv import encoded
from virtual_card.piv.state import TRIES, PivMemory

_PIN, _PUK = 0x80, 0x81
_FORGET: Final = 0xFF
_LENGTH: Final = 8
_WITNESS, _CHALLENGE, _RESPONSE, _TEMPLATE = 0x80, 0x81, 0x82, 0x7C
_MANAGEMENT_KEY_BYTES: Final = 24


class Access:
    """Who has proved what since the last reset."""

    def __init__(self, memory: PivMemory) -> None:
        self._memory = memory
        self._challenge = b""
        self.is_holder = False
        self.is_fresh = False
        self.is_manager = False

    def forget(self) -> None:
        """Nobody has proved anything."""
        self._challenge = b""
        self.is_holder = self.is_fresh = self.is_manager = False

    def require_manager(self) -> None:
        """Raises Refused (6982) without the management key."""
        if not self.is_manager:
            raise Refused(StatusWord.SECURITY_STATUS)

    def require_holder(self, *, at_once: bool) -> None:
        """Raises Refused (6982) without the PIN; ``at_once``: unless it was the command before this one."""
        if not (self.is_fresh if at_once else self.is_holder):
            raise Refused(StatusWord.SECURITY_STATUS)

    def verify(self, command: Command) -> bytes:
        """VERIFY: try the PIN, tell without data how many tries are left, or with P1 FF forget it."""
        if command.p2 != _PIN:
            raise Refused(StatusWord.REFERENCED_DATA_NOT_FOUND)
        if command.p1 == _FORGET:
            self.is_holder = self.is_fresh = False
        elif command.data:
            self._try_pin(command.data)
            self.is_holder = self.is_fresh = True
        elif not self.is_holder:
            raise Refused.tries_left(self._memory.state.pin_tries_left)
        return b""

    def change(self, command: Command) -> bytes:
        """CHANGE REFERENCE DATA: the old PIN or PUK and the new one, 8 octets each."""
        old, new = _pair(command.data)
        if command.p2 == _PIN:
            self._try_pin(old)
            self._memory.change(pin=new)
        elif command.p2 == _PUK:
            self._try_puk(old)
            self._memory.change(puk=new)
        else:
            raise Refused(StatusWord.REFERENCED_DATA_NOT_FOUND)
        return b""

    def reset_retry_counter(self, command: Command) -> bytes:
        """RESET RETRY COUNTER: the PUK and a new PIN."""
        puk, pin = _pair(command.data)
        self._try_puk(puk)
        self._memory.change(pin=pin, pin_tries_left=TRIES)
        return b""

    def authenticate(self, given: dict[int, bytes]) -> bytes:
        """GENERAL AUTHENTICATE with the management key, both sides proving it or the terminal alone."""
        for step in (self._begin, self._prove_both, self._prove):
            answer = step(given)
            if answer is not None:
                return answer
        self._challenge = b""
        raise Refused(StatusWord.SECURITY_STATUS)

    def set_management_key(self, command: Command) -> bytes:
        """SET MANAGEMENT KEY: algorithm, slot, length and the key."""
        self.require_manager()
        key = command.data[3:]
        if len(key) != _MANAGEMENT_KEY_BYTES or command.data[2] != _MANAGEMENT_KEY_BYTES:
            raise Refused(StatusWord.WRONG_DATA)
        self._memory.change(management_key=key)
        return b""

    def _begin(self, given: dict[int, bytes]) -> bytes | None:
        """An empty object asks for a witness, which is enciphered, or a challenge, which is not."""
        for tag in (_WITNESS, _CHALLENGE):
            if given.get(tag) == b"":
                self._challenge = secrets.token_bytes(_LENGTH)
                told = self._enciphered(self._challenge) if tag == _WITNESS else self._challenge
                return encoded(_TEMPLATE, encoded(tag, told))
        return None

    def _prove_both(self, given: dict[int, bytes]) -> bytes | None:
        if not (self._challenge and given.get(_WITNESS) == self._challenge and _CHALLENGE in given):
            return None
        self.is_manager, self._challenge = True, b""
        return encoded(_TEMPLATE, encoded(_RESPONSE, self._enciphered(given[_CHALLENGE])))

    def _prove(self, given: dict[int, bytes]) -> bytes | None:
        if not (self._challenge and given.get(_RESPONSE) == self._enciphered(self._challenge)):
            return None
        self.is_manager, self._challenge = True, b""
        return b""

    def _enciphered(self, block: bytes) -> bytes:
        if len(block) != _LENGTH:
            raise Refused(StatusWord.WRONG_DATA)
        # The cards' own algorithm for the management key, one block.
        cipher = Cipher(TripleDES(self._memory.state.management_key), modes.ECB())  # noqa: S305
        encryptor = cipher.encryptor()
        return encryptor.update(block) + encryptor.finalize()

    def _try_pin(self, pin: bytes) -> None:
        self.is_holder = self.is_fresh = False
        left = self._memory.state.pin_tries_left
        if not left:
            raise Refused(StatusWord.AUTHENTICATION_BLOCKED)
        # Counted before it is looked at: pulling the card does not give a free try.
        self._memory.change(pin_tries_left=left - 1)
        if not hmac.compare_digest(pin, self._memory.state.pin):
            raise Refused.tries_left(left - 1)
        self._memory.change(pin_tries_left=TRIES)

    def _try_puk(self, puk: bytes) -> None:
        left = self._memory.state.puk_tries_left
        if not left:
            raise Refused(StatusWord.AUTHENTICATION_BLOCKED)
        self._memory.change(puk_tries_left=left - 1)
        if not hmac.compare_digest(puk, self._memory.state.puk):
            raise Refused.tries_left(left - 1)
        self._memory.change(puk_tries_left=TRIES)


def _pair(data: bytes) -> tuple[bytes, bytes]:
    if len(data) != 2 * _LENGTH:
        raise Refused(StatusWord.WRONG_DATA)
    return data[:_LENGTH], data[_LENGTH:]
