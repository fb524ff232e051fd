"""A PIN in memory: never printed, wiped when it is no longer needed."""

from __future__ import annotations

import secrets
import string
from types import TracebackType


def random_pin(digits: int) -> Pin:
    """Return a PIN of so many random digits, for a card whose PIN nobody shall know."""
    return Pin("".join(secrets.choice(string.digits) for _ in range(digits)))


class Pin:
    """The digits a person typed. ``repr`` and ``str`` hide them; ``forget`` overwrites them.

    Python's own copies of a form field cannot be overwritten; they live only while the request is read.
    """

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        self._digits = bytearray(digits.encode())

    def reveal(self) -> str:
        """Return the digits, for the pipe to the card process only."""
        return self._digits.decode()

    def forget(self) -> None:
        """Overwrite the digits. A forgotten PIN reveals an empty string."""
        self._digits[:] = bytes(len(self._digits))
        self._digits.clear()

    def __enter__(self) -> Pin:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.forget()

    def __repr__(self) -> str:
        return "Pin(hidden)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a PIN is not pickled; it goes through the card process' pipe")
