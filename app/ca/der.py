"""DER (ITU-T X.690 section 10), as little of it as X.509 structures need: read strictly, written canonically.

Reading refuses whatever has two spellings (indefinite or padded lengths, tags of several octets), so that
octets that were compared with others mean the same to everybody who reads them.
"""

from __future__ import annotations

from datetime import UTC, datetime

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING = 0x01, 0x02, 0x03, 0x04
UTF8_STRING, SEQUENCE, SET = 0x0C, 0x30, 0x31
ENUMERATED, UTC_TIME, GENERALIZED_TIME = 0x0A, 0x17, 0x18
FIRST_YEAR_OF_GENERALIZED_TIME = 2050
"""RFC 5280 section 4.1.2.5: dates through 2049 are UTCTime, later ones GeneralizedTime."""

_LONG_TAG, _LONG_LENGTH = 0x1F, 0x80


class NotDer(ValueError):
    """The octets are not DER, or not in the one form that is read here."""


def content_of(octets: bytes, begin: int = 0) -> tuple[int, int]:
    """Where the content of the element at ``begin`` begins and ends.

    Raises:
        NotDer
    """
    try:
        tag, length = octets[begin], octets[begin + 1]
    except IndexError:
        raise NotDer("cut short") from None
    start = begin + 2
    if length >= _LONG_LENGTH:
        start, length = _long_length(octets, start, length - _LONG_LENGTH)
    end = start + length
    if tag & _LONG_TAG == _LONG_TAG or end > len(octets):
        raise NotDer("a tag of several octets, or cut short")
    return start, end


def _long_length(octets: bytes, start: int, count: int) -> tuple[int, int]:
    length = int.from_bytes(octets[start : start + count], "big")
    if not 1 <= count <= 4 or length < _LONG_LENGTH or length < 1 << 8 * (count - 1):
        raise NotDer("a length that is not as short as can be")
    return start + count, length


def children(octets: bytes) -> list[bytes]:
    """The elements within the one element that ``octets`` are; each complete with its tag and length.

    Raises:
        NotDer: also when something follows the element.
    """
    at, end = content_of(octets)
    if end != len(octets):
        raise NotDer("something follows the element")
    found = []
    while at < end:
        _, stop = content_of(octets, at)
        found.append(octets[at:stop])
        at = stop
    return found


def element(tag: int, *contents: bytes) -> bytes:
    """An element with its contents one after another."""
    content = b"".join(contents)
    length = len(content)
    if length < _LONG_LENGTH:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_LENGTH | len(size))) + size + content


def sequence(*elements: bytes) -> bytes:
    """A SEQUENCE of complete elements."""
    return element(SEQUENCE, *elements)


def integer(value: int) -> bytes:
    """An INTEGER that is not negative."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bit_string(octets: bytes) -> bytes:
    """A BIT STRING of whole octets."""
    return element(BIT_STRING, b"\0", octets)


def generalized_time(instant: datetime) -> bytes:
    """A GeneralizedTime in whole seconds, UTC."""
    return element(GENERALIZED_TIME, f"{instant.astimezone(UTC):%Y%m%d%H%M%SZ}".encode())


def time(instant: datetime) -> bytes:
    """A Time as certificates and CRLs spell it (RFC 5280 section 4.1.2.5)."""
    if instant.year >= FIRST_YEAR_OF_GENERALIZED_TIME:
        return generalized_time(instant)
    return element(UTC_TIME, f"{instant.astimezone(UTC):%y%m%d%H%M%SZ}".encode())


def content(octets: bytes) -> bytes:
    """The content of the one element that ``octets`` are. Raises NotDer."""
    start, end = content_of(octets)
    if end != len(octets):
        raise NotDer("something follows the element")
    return octets[start:]


def unsigned_integer(octets: bytes) -> int:
    """The value of an INTEGER that is not negative. Raises NotDer: also for one that is spelled too long."""
    value = content(octets)
    if octets[0] != INTEGER or not value or value[0] >= 0x80:
        raise NotDer("not an INTEGER from zero up")
    number = int.from_bytes(value, "big")
    if len(value) != number.bit_length() // 8 + 1:
        raise NotDer("an INTEGER with a needless octet")
    return number


def utc_time(octets: bytes) -> datetime:
    """The instant of a UTCTime, in the one form of RFC 5280 section 4.1.2.5.1. Raises NotDer."""
    return _instant(octets, UTC_TIME, b"20" if content(octets)[:2] < b"50" else b"19")


def generalized_time_of(octets: bytes) -> datetime:
    """The instant of a GeneralizedTime, in the one form of RFC 5280 section 4.1.2.5.2. Raises NotDer."""
    return _instant(octets, GENERALIZED_TIME, b"")


def _instant(octets: bytes, tag: int, century: bytes) -> datetime:
    digits = century + content(octets)
    if octets[0] != tag or len(digits) != 15 or not digits[:14].isdigit() or digits[14:] != b"Z":
        raise NotDer("not a time in the form of certificates")
    parts = (digits[:4], digits[4:6], digits[6:8], digits[8:10], digits[10:12], digits[12:14])
    try:
        return datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        raise NotDer("no such time") from None
