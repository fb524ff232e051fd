"""A command APDU, short or extended (ISO/IEC 7816-3, 12.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from virtual_card.iso7816.status import Refused, StatusWord

_HEADER = 4
_SHORT_ANSWER = 256
_EXTENDED_ANSWER = 65536
_CHAINING = 0x10


@dataclass(frozen=True)
class Command:
    """CLA, INS, P1, P2, the data, and how many octets of answer are taken at once (None: none asked for)."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    answer_length: int | None = None

    @classmethod
    def from_untrusted(cls, apdu: bytes) -> Self:
        """Read an APDU. Raises Refused (6700) when its lengths do not agree."""
        if len(apdu) < _HEADER:
            raise Refused(StatusWord.WRONG_LENGTH)
        cla, ins, p1, p2 = apdu[:_HEADER]
        return cls(cla, ins, p1, p2, *_body(apdu[_HEADER:]))

    @property
    def p1p2(self) -> int:
        """P1 and P2 as one number."""
        return self.p1 << 8 | self.p2

    @property
    def is_chained(self) -> bool:
        """Whether more of the same command follows."""
        return bool(self.cla & _CHAINING)

    def to_bytes(self) -> bytes:
        """The APDU, short where it can be."""
        header = bytes((self.cla, self.ins, self.p1, self.p2))
        extended = len(self.data) > 255 or (self.answer_length or 0) > _SHORT_ANSWER
        size = 2 if extended else 1
        lead = b"\0" if extended else b""
        body = lead + len(self.data).to_bytes(size, "big") + self.data if self.data else b""
        if self.answer_length is None:
            return header + body
        wanted = (self.answer_length % (1 << 8 * size)).to_bytes(size, "big")
        return header + body + (wanted if self.data else lead + wanted)


def _body(body: bytes) -> tuple[bytes, int | None]:
    if not body:
        return b"", None
    if len(body) == 1:
        return b"", body[0] or _SHORT_ANSWER
    if body[0] == 0 and len(body) >= 3:
        return _fields(body[1:], 2, _EXTENDED_ANSWER)
    return _fields(body, 1, _SHORT_ANSWER)


def _fields(body: bytes, size: int, largest: int) -> tuple[bytes, int | None]:
    length = int.from_bytes(body[:size], "big")
    if len(body) == size:
        return b"", length or largest
    data, rest = body[size : size + length], body[size + length :]
    if len(data) < length or len(rest) not in (0, size):
        raise Refused(StatusWord.WRONG_LENGTH)
    return data, (int.from_bytes(rest, "big") or largest) if rest else None
