"""DER documents changed in every way that keeps their frame: for tests that nothing wrong passes a gate."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from app.ca import der


def each_octet_changed(octets: bytes) -> Iterator[bytes]:
    """The document with one octet changed, for each octet, in its lowest and in its highest bit."""
    for at, octet in enumerate(octets):
        for change in (0x01, 0x80):
            yield octets[:at] + bytes([octet ^ change]) + octets[at + 1 :]


def with_octets_exchanged(data: st.DataObject, octets: bytes) -> bytes:
    """Some octets are put in, left out, or exchanged for others."""
    begin = data.draw(st.integers(0, len(octets) - 1))
    end = data.draw(st.integers(begin, min(begin + 8, len(octets))))
    return octets[:begin] + data.draw(st.binary(max_size=8)) + octets[end:]


def rewritten(data: st.DataObject, octets: bytes) -> bytes:
    """Any one element anywhere gets other content, or is doubled or left out; all lengths fit."""
    is_constructed = octets[0] & 0x20 and der.content(octets)
    if is_constructed and data.draw(st.integers(0, 5)):
        parts = der.children(octets)
        at = data.draw(st.integers(0, len(parts) - 1))
        parts[at] = rewritten(data, parts[at])
        return der.element(octets[0], *parts)
    return data.draw(
        st.sampled_from([b"", octets + octets, der.element(octets[0] ^ 0x01, der.content(octets))])
        | st.binary(max_size=24).map(lambda content: der.element(octets[0], content))
    )
