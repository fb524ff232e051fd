"""The PIN try counter that SoftHSM lacks.

A try is written to disk before it is made, so that pulling the plug, or killing the program between the wrong
PIN and the counting, gives no free try. Giving one back waits for no disk.
The caller holds the card's lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptoki import errors
from virtual_card.errors import CardDamaged
from virtual_card.files import read_json_object, write_json_durably

_PIN_NOT_TRIED: Final = (
    errors.UserAlreadyLoggedIn,
    errors.AnotherUserAlreadyLoggedIn,
    errors.UserPinNotInitialized,
)


class TryCounter:
    """Counts wrong PINs in a row in a file; ``limit`` of them lock."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit

    def left(self) -> int:
        """How many tries are left; 0 is locked. Raises CardDamaged when the file cannot be read."""
        used = read_json_object(self._path).get("used")
        if type(used) is not int or used < 0:
            raise CardDamaged(f"{self._path} does not say how many tries were used; unblock the card.")
        return max(0, self._limit - used)

    def reset(self) -> None:
        """All tries are left again."""
        self._write(self._limit)

    @contextmanager
    def attempt(self, function: str) -> Iterator[None]:
        """Make one try inside: it counts unless the block ends normally.

        Raises PinLocked without running the block when no try is left. A PinIncorrect from the block goes on
        with ``tries_left``, or as PinLocked when it was the last. Where the token says that it did not look
        at the PIN, the try is given back.
        """
        before = self.left()
        if before == 0:
            raise errors.PinLocked(function)
        self._write(before - 1)
        try:
            yield
        except _PIN_NOT_TRIED:
            self._write(before, durably=False)
            raise
        except errors.PinIncorrect as error:
            if before == 1:
                raise errors.PinLocked(function) from error
            raise errors.PinIncorrect(function, tries_left=before - 1) from error
        self._write(self._limit, durably=False)

    def _write(self, left: int, *, durably: bool = True) -> None:
        """Over the old number where the file is as long, which takes one write of a few octets; else anew."""
        content = json.dumps({"used": self._limit - left}).encode()
        if not _overwritten(self._path, content, durably=durably):
            write_json_durably(self._path, {"used": self._limit - left})


def _overwritten(path: Path, content: bytes, *, durably: bool) -> bool:
    """Write over a file of the same length, so short that it is written whole or not at all."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return False
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        if os.fstat(descriptor).st_size != len(content):
            return False
        file.write(content)
        if durably:
            os.fdatasync(descriptor)
    return True
