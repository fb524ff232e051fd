"""LDAP's responses, read from bytes that are not trusted (RFC 4511 sections 4.1.1 to 4.10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from directory.client import ber
from directory.client.requests import (
    EXTENDED_RESPONSE,
    INTERMEDIATE_RESPONSE,
    SEARCH_RESULT_DONE,
    SEARCH_RESULT_ENTRY,
    SEARCH_RESULT_REFERENCE,
)
from directory.errors import MalformedAnswer

SUCCESS = 0
COMPARE_FALSE = 5
COMPARE_TRUE = 6
NO_SUCH_ATTRIBUTE = 16
NO_SUCH_OBJECT = 32
BUSY = 51
UNAVAILABLE = 52

LARGEST_MESSAGE = 4 << 20
"""Bytes. The directory's largest entries have some hundred values; a server that says more is not ours."""
LARGEST_ANSWER = 16 << 20
"""Bytes of all messages that answer one search."""


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """SearchResultEntry (section 4.5.2).

    Attributes:
        attributes: name, in lower case, to values.
    """

    dn: str
    attributes: Mapping[str, tuple[str, ...]]

    def values(self, attribute: str) -> tuple[str, ...]:
        """The values of an attribute, whose letter case does not matter; none when it is not there."""
        return self.attributes.get(attribute.lower(), ())


@dataclass(slots=True)
class Message:
    """One LDAPMessage from the server.

    Attributes:
        tag: of its protocolOp.
        result_code, description: of a response that ends an operation; -1 otherwise.
        entry: of a SearchResultEntry.
        size: bytes that it took.
    """

    id: int
    tag: int
    size: int
    result_code: int = -1
    description: str = ""
    entry: FoundEntry | None = None

    @property
    def ends(self) -> bool:
        """Whether no other message with this id follows."""
        return self.result_code >= 0


@dataclass(slots=True)
class Answer:
    """Everything that answered one request: the final result, and the entries of a search."""

    result_code: int = -1
    description: str = ""
    entries: list[FoundEntry] = field(default_factory=list)


class Incoming:
    """Cuts the bytes of a connection into messages, however they arrive."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def messages(self, received: bytes) -> Iterator[Message]:
        """The messages that are whole now, read; see ``whole``."""
        return map(read_message, self.whole(received))

    def whole(self, received: bytes) -> Iterator[bytes]:
        """The messages that are whole now, as bytes. What remains waits for more.

        Raises:
            MalformedAnswer: what was received is no LDAP, or a message is larger than ``LARGEST_MESSAGE``.
                Nothing after that can be read: the connection is lost.
        """
        waiting = self._bytes
        waiting += received
        position, end = 0, len(waiting)
        try:
            while (size := _size_of_message(waiting, position, end)) is not None:
                message = bytes(waiting[position : position + size])
                position += size
                yield message
        finally:
            del waiting[:position]


def _size_of_message(data: bytearray, position: int, end: int) -> int | None:
    """How long the message at ``position`` is; None when it is not whole yet."""
    if position < end and data[position] != ber.SEQUENCE:
        raise MalformedAnswer("a message that does not begin like one")
    bounds = ber.header(data, position, end)
    if bounds is None:
        return None
    if bounds[1] - position > LARGEST_MESSAGE:
        raise MalformedAnswer(f"a message of {bounds[1] - position} bytes")
    return bounds[1] - position if bounds[1] <= end else None


def read_message(data: bytes) -> Message:
    """One whole LDAPMessage. What a later version of LDAP may add at an end is passed over (section 4).

    Raises:
        MalformedAnswer: it is none.
    """
    message = ber.Reader(data, 0, len(data)).constructed(ber.SEQUENCE)
    message_id = message.integer()
    tag = message.tag()
    operation = message.constructed(tag)
    if tag == SEARCH_RESULT_ENTRY:
        return Message(message_id, tag, len(data), entry=read_entry(operation))
    if tag in (SEARCH_RESULT_REFERENCE, INTERMEDIATE_RESPONSE):
        return Message(message_id, tag, len(data))
    return _result(message_id, tag, len(data), operation)


def _result(message_id: int, tag: int, size: int, operation: ber.Reader) -> Message:
    """LDAPResult (section 4.1.9): result code, the DN that matched so far, and a text for people."""
    code = operation.integer(ber.ENUMERATED)
    operation.octets()
    return Message(message_id, tag, size, code, operation.text())


def read_entry(operation: ber.Reader) -> FoundEntry:
    """The content of a SearchResultEntry."""
    dn = operation.text()
    listed = operation.constructed(ber.SEQUENCE)
    attributes: dict[str, tuple[str, ...]] = {}
    while listed.more():
        attribute = listed.constructed(ber.SEQUENCE)
        name = attribute.text().lower()
        attributes[name] = tuple(_values(attribute.constructed(ber.SET)))
    return FoundEntry(dn, attributes)


def _values(reader: ber.Reader) -> Iterator[str]:
    while reader.more():
        yield reader.text()


_PARTS_OF_A_SEARCH = (SEARCH_RESULT_ENTRY, SEARCH_RESULT_REFERENCE, INTERMEDIATE_RESPONSE)


class Expected:
    """Collects the messages that answer one request.

    Args:
        answered_by: the tag that ends it.
    """

    __slots__ = ("_answered_by", "_size", "answer")

    def __init__(self, answered_by: int) -> None:
        self._answered_by = answered_by
        self._size = 0
        self.answer = Answer()

    def take(self, message: Message) -> bool:
        """Take one message and tell whether the answer is complete.

        Raises:
            MalformedAnswer: it does not answer such a request, or all of them together are too large.
        """
        self._size += message.size
        if self._size > LARGEST_ANSWER:
            raise MalformedAnswer(f"more than {LARGEST_ANSWER} bytes to answer one search")
        if message.tag == self._answered_by:
            self.answer.result_code, self.answer.description = message.result_code, message.description
            return True
        if self._answered_by != SEARCH_RESULT_DONE or message.tag not in _PARTS_OF_A_SEARCH:
            raise MalformedAnswer(f"a response of tag {message.tag:#04x} to another request")
        if message.entry is not None:
            self.answer.entries.append(message.entry)
        return False


def is_notice_of_disconnection(message: Message) -> bool:
    """Whether the server says that it ends the connection (section 4.4.1)."""
    return message.id == 0 and message.tag == EXTENDED_RESPONSE
