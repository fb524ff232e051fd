"""The user PIN and the SO PIN of a SmartCard-HSM: checked, counted on disk, changed, unblocked."""

from __future__ import annotations

import hmac
from typing import Final

from virtual_card.iso7816 import Command, Refused, StatusWord
from virtual_card.smartcard_hsm.state import SO_TRIES, HsmMemory

_USER: Final = 0x81
_SO: Final = 0x88
_SO_PIN_BYTES: Final = 8
_UNBLOCK_ONLY: Final = 0x01


class Pins:
    """Who has proved what since the last reset."""

    def __init__(self, memory: HsmMemory) -> None:
        self._memory = memory
        self.is_user = False

    def require_user(self) -> None:
        """Raises Refused (6982) when the user's PIN was not verified."""
        if not self.is_user:
            raise Refused(StatusWord.SECURITY_STATUS)

    def verify(self, command: Command) -> bytes:
        """VERIFY: try the user's PIN, or tell without data how many tries are left."""
        state = self._memory.state
        if command.p2 == _SO and not command.data:
            raise Refused.tries_left(state.so_tries_left)
        if command.p2 != _USER:
            raise Refused(StatusWord.REFERENCED_DATA_NOT_FOUND)
        if not state.initialised:
            # OpenSC takes this for a card without a PIN yet; at 6984 its version 0.26 shows no token at all.
            raise Refused(StatusWord.REFERENCED_DATA_NOT_FOUND)
        if command.data:
            self._try_pin(command.data)
        elif not self.is_user:
            raise Refused.tries_left(state.tries_left)
        return b""

    def change(self, command: Command) -> bytes:
        """CHANGE REFERENCE DATA: the old PIN and, right after it, the new one."""
        state, data = self._memory.state, command.data
        if command.p2 == _SO:
            self.require_so(data[:_SO_PIN_BYTES])
            self._memory.change(so_pin=data[_SO_PIN_BYTES:])
        else:
            self._try_pin(data[: len(state.pin)])
            self._memory.change(pin=data[len(state.pin) :])
        return b""

    def reset_retry_counter(self, command: Command) -> bytes:
        """RESET RETRY COUNTER: with the SO PIN, unblock the user's PIN and, unless P1 is 1, set it anew."""
        self.require_so(command.data[:_SO_PIN_BYTES])
        new_pin = command.data[_SO_PIN_BYTES:]
        state = self._memory.state
        pin = state.pin if command.p1 == _UNBLOCK_ONLY else new_pin
        self._memory.change(pin=pin, tries_left=state.tries_allowed)
        return b""

    def require_so(self, so_pin: bytes) -> None:
        """Try the SO PIN. Raises Refused (63Cx, 6983)."""
        state = self._memory.state
        if not state.so_tries_left:
            raise Refused(StatusWord.AUTHENTICATION_BLOCKED)
        # Counted before it is looked at: pulling the card does not give a free try.
        self._memory.change(so_tries_left=state.so_tries_left - 1)
        if not hmac.compare_digest(so_pin, state.so_pin):
            raise Refused.tries_left(state.so_tries_left - 1)
        self._memory.change(so_tries_left=SO_TRIES)

    def _try_pin(self, pin: bytes) -> None:
        state = self._memory.state
        self.is_user = False
        if not state.tries_left:
            raise Refused(StatusWord.AUTHENTICATION_BLOCKED)
        self._memory.change(tries_left=state.tries_left - 1)
        if not hmac.compare_digest(pin, state.pin):
            raise Refused.tries_left(state.tries_left - 1)
        self._memory.change(tries_left=state.tries_allowed)
        self.is_user = True
