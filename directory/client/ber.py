"""The Basic Encoding Rules as far as LDAP uses them (X.690, restricted by RFC 4511 section 5.1).

Definite lengths and one-byte tags only. Reading trusts nothing: every length is checked against what is there
before a byte is taken, and nothing calls itself, so that nesting cannot exhaust anything.
"""

from __future__ import annotations

from directory.errors import MalformedAnswer

BOOLEAN = 0x01
INTEGER = 0x02
OCTET_STRING = 0x04
ENUMERATED = 0x0A
SEQUENCE = 0x30
SET = 0x31

LARGEST_INTEGER_BYTES = 4
"""LDAP's integers are 0 to maxInt, 2^31 - 1 (RFC 4511 section 4.1.1)."""
LONGEST_LENGTH_BYTES = 4


def element(tag: int, content: bytes) -> bytes:
    """Tag, length and content (X.690 section 8.1)."""
    size = len(content)
    if size < 0x80:
        return b"%c%c%b" % (tag, size, content)
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A non-negative INTEGER or ENUMERATED (X.690 section 8.3)."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: str | bytes, tag: int = OCTET_STRING) -> bytes:
    """An OCTET STRING; text in UTF-8."""
    return element(tag, value.encode() if isinstance(value, str) else value)


def boolean(value: bool) -> bytes:
    """A BOOLEAN; true is 0xFF (RFC 4511 section 5.1)."""
    return b"\x01\x01\xff" if value else b"\x01\x01\x00"


def header(data: bytes | bytearray, position: int, end: int) -> tuple[int, int] | None:
    """Where the content of the element at ``position`` begins and ends; None when the header is not whole.

    The content itself need not be there yet: the end may lie beyond ``end``.

    Raises:
        MalformedAnswer: a length that LDAP does not allow.
    """
    if end - position < 2:
        return None
    if data[position] & 0x1F == 0x1F:
        raise MalformedAnswer("a tag of several bytes")
    first = data[position + 1]
    begin = position + 2
    if first < 0x80:
        return begin, begin + first
    count = first & 0x7F
    if not 0 < count <= LONGEST_LENGTH_BYTES:
        raise MalformedAnswer("a length that is indefinite or of more than four bytes")
    if end - begin < count:
        return None
    begin += count
    return begin, begin + int.from_bytes(data[begin - count : begin], "big")


class Reader:
    """Takes the elements of some content one after the other, in order."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self._data = data
        self._position = position
        self._end = end

    def more(self) -> bool:
        """Whether anything is left."""
        return self._position < self._end

    def tag(self) -> int:
        """The tag of the next element, which stays.

        Raises:
            MalformedAnswer: there is none.
        """
        if self._position >= self._end:
            raise MalformedAnswer("an element is missing")
        return self._data[self._position]

    def constructed(self, tag: int) -> Reader:
        """Take an element that consists of others.

        Raises:
            MalformedAnswer: the next element is another, or does not fit in what holds it. So do the others.
        """
        begin, end = self._take(tag)
        return Reader(self._data, begin, end)

    def octets(self, tag: int = OCTET_STRING) -> bytes:
        """Take a string of bytes."""
        begin, end = self._take(tag)
        return self._data[begin:end]

    def text(self, tag: int = OCTET_STRING) -> str:
        """Take a string of characters. Bytes that are no UTF-8 are kept as surrogates."""
        return self.octets(tag).decode("utf-8", "surrogateescape")

    def integer(self, tag: int = INTEGER) -> int:
        """Take a number from 0 to maxInt."""
        begin, end = self._take(tag)
        if not 0 < end - begin <= LARGEST_INTEGER_BYTES or self._data[begin] & 0x80:
            raise MalformedAnswer("a number that is not from 0 to 2147483647")
        return int.from_bytes(self._data[begin:end], "big")

    def _take(self, tag: int) -> tuple[int, int]:
        data, begin = self._data, self._position + 2
        # Nearly all: the right tag, a length of one byte, and all of it there.
        if begin <= self._end and data[begin - 2] == tag:
            size = data[begin - 1]
            if size < 0x80 and size <= self._end - begin:
                self._position = begin + size
                return begin, self._position
        return self._take_with_care(tag)

    def _take_with_care(self, tag: int) -> tuple[int, int]:
        if self.tag() != tag:
            raise MalformedAnswer(f"an element of tag {self.tag():#04x} where {tag:#04x} belongs")
        bounds = header(self._data, self._position, self._end)
        if bounds is None or bounds[1] > self._end:
            raise MalformedAnswer("an element that is longer than what holds it")
        self._position = bounds[1]
        return bounds
