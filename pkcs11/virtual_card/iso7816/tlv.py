"""BER-TLV data objects (ISO/IEC 7816-4, 5.2.2; X.690 8.1)."""

from __future__ import annotations

from collections.abc import Iterator

from virtual_card.iso7816.status import Refused, StatusWord

_SHORT_LENGTH = 0x80
_MORE_TAG = 0x1F
_PADDING = (0x00, 0xFF)


def encoded(tag: int, value: bytes) -> bytes:
    """One data object."""
    octets = tag.to_bytes(max(1, (tag.bit_length() + 7) // 8), "big")
    return octets + encoded_length(len(value)) + value


def encoded_length(length: int) -> bytes:
    """A definite length in as few octets as it takes."""
    if length < _SHORT_LENGTH:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((_SHORT_LENGTH | len(octets),)) + octets


def decoded(data: bytes) -> list[tuple[int, bytes]]:
    """The data objects that ``data`` consists of. Raises Refused (6A80) when it does not."""
    return list(_objects(data))


def fields(data: bytes) -> dict[int, bytes]:
    """The data objects by tag; of a tag that is repeated, the last."""
    return dict(_objects(data))


def required(found: dict[int, bytes], tag: int) -> bytes:
    """One data object's value. Raises Refused (6A80) when it is missing."""
    if tag not in found:
        raise Refused(StatusWord.WRONG_DATA)
    return found[tag]


def _objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    try:
        while position < len(data):
            if data[position] in _PADDING:
                position += 1
                continue
            tag, position = _tag(data, position)
            length, position = _length(data, position)
            if position + length > len(data):
                raise IndexError
            yield tag, data[position : position + length]
            position += length
    except IndexError:
        raise Refused(StatusWord.WRONG_DATA) from None


def _tag(data: bytes, position: int) -> tuple[int, int]:
    tag, position = data[position], position + 1
    if tag & _MORE_TAG == _MORE_TAG:
        while True:
            octet, position = data[position], position + 1
            tag = tag << 8 | octet
            if not octet & 0x80:
                break
    return tag, position


def _length(data: bytes, position: int) -> tuple[int, int]:
    length, position = data[position], position + 1
    if length & _SHORT_LENGTH:
        count = length & 0x7F
        if len(data) < position + count:
            raise IndexError
        length, position = int.from_bytes(data[position : position + count], "big"), position + count
    return length, position
