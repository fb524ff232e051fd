"""Attributes and records as LDIF (RFC 2849), for bulk loading."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Protocol

Attributes = Mapping[str, tuple[str, ...]]
"""Each attribute's values, none empty."""

# SAFE-STRING: ASCII that begins with none of space, colon and less-than, and does not end with a space.
_SAFE_LINES = re.compile(r"(?:[A-Za-z0-9;.-]+: [!-9;=-~](?:[ -~]*[!-~])?\n)*")


class Common(dict[str, tuple[str, ...]]):
    """Attributes that many records have in common. Nobody changes them.

    Attributes:
        lines: their LDIF, made once for all.
    """

    __slots__ = ("lines",)

    def __init__(self, attributes: Attributes) -> None:
        super().__init__(attributes)
        self.lines = _text(_lines(attributes))


class HasParts(Protocol):
    """A record, for what is written here of it."""

    @property
    def dn(self) -> str:
        """Its name."""

    @property
    def parts(self) -> tuple[Attributes, ...]:
        """Its attributes, each in one part."""


def ldif(record: HasParts) -> str:
    """One record as LDIF text that ends with an empty line."""
    own, shared = [f"dn: {record.dn}\n"], []
    for part in record.parts:
        if type(part) is Common:
            shared.append(part.lines)
        else:
            own += _lines(part)
    return f"{_text(own)}{''.join(shared)}\n"


def _lines(attributes: Attributes) -> list[str]:
    return [f"{name}: {value}\n" for name, values in attributes.items() for value in values]


def _text(lines: list[str]) -> str:
    """The lines, encoded where one needs it. All are tested at once: one by one takes three times as long."""
    text = "".join(lines)
    # A value with a line feed in it could look like two.
    if _SAFE_LINES.fullmatch(text) and text.count("\n") == len(lines):
        return text
    return "".join(f"{ldif_line(*line[:-1].split(': ', 1))}\n" for line in lines)


def ldif_line(name: str, value: str) -> str:
    """One value as ``name: value``, in base64 where RFC 2849 demands it."""
    plain = f"{name}: {value}\n"
    if _SAFE_LINES.fullmatch(plain) and plain.count("\n") == 1:
        return plain[:-1]
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"
