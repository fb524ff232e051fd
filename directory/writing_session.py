"""The publisher's connection: reads many entries at once, and writes one change after the other.

The operations are those of ``directory.connection.Session``, by the client's own encoding, which takes a
tenth of ldap3's time. Several searches may be on their way together. Of writes there is never more than one
to each database: with more, slapd runs them side by side and replicas lose entries
(``directory.replication``).
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

from directory.changes import Writing
from directory.client import ber, requests
from directory.client.requests import Scope
from directory.client.responses import (
    BUSY,
    NO_SUCH_OBJECT,
    SUCCESS,
    UNAVAILABLE,
    Incoming,
)
from directory.client.speaking import LARGEST_MESSAGE_ID, following_id
from directory.connection import DEFAULT_TIMEOUT, PATIENCE, RETRY_EVERY, require_provider
from directory.entries import Record
from directory.errors import DirectoryError, DirectoryRefused, DirectoryUnavailable

SEARCHES_AT_ONCE = 32
"""So few that neither side's socket is full while the other waits for it."""

_RECEIVE_BYTES = 1 << 18
_SCOPES = {"BASE": Scope.BASE, "LEVEL": Scope.ONE_LEVEL, "SUBTREE": Scope.SUBTREE}
_EVERYTHING = requests.present("objectClass")
_REPLACE = ber.integer(2, ber.ENUMERATED)


@dataclass
class _Answer:
    code: int = -1
    said: str = ""
    records: list[Record] = field(default_factory=list)


class _Encoded:
    """A write that is put into words instead of being done. ``operation`` is empty when there is none."""

    def __init__(self) -> None:
        self.purpose = ""
        self.operation = b""
        self.also_fine: tuple[int, ...] = ()

    def add(self, record: Record) -> None:
        """AddRequest (RFC 4511 section 4.7)."""
        listed = b"".join(_attribute(name, values) for name, values in record.attributes.items())
        self.purpose = f"add {record.dn}"
        self.operation = ber.element(0x68, _octets(record.dn) + ber.element(ber.SEQUENCE, listed))

    def replace(self, dn: str, attributes: Mapping[str, tuple[str, ...]]) -> None:
        """ModifyRequest (section 4.6)."""
        changes = b"".join(
            ber.element(ber.SEQUENCE, _REPLACE + _attribute(name, values))
            for name, values in attributes.items()
        )
        self.purpose = f"modify {dn}"
        self.operation = ber.element(0x66, _octets(dn) + ber.element(ber.SEQUENCE, changes))

    def delete(self, dn: str) -> None:
        """DelRequest (section 4.8)."""
        self.purpose, self.operation, self.also_fine = f"delete {dn}", _octets(dn, 0x4A), (NO_SUCH_OBJECT,)


class WritingSession:
    """One open connection over slapd's private socket, authenticated by the Unix user.

    Args:
        url: ``ldapi://<percent-encoded path>``.
        before_writing: called before each write.
        timeout: seconds to wait for each answer.

    Raises:
        DirectoryUnavailable: the server cannot be reached, or refuses us.
    """

    def __init__(
        self, url: str, before_writing: Callable[[], None], timeout: float = DEFAULT_TIMEOUT
    ) -> None:
        self._before_writing = before_writing
        self._incoming = Incoming()
        self._last_id = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(unquote(url.removeprefix("ldapi://")))
            self._succeed("log us in", requests.external_bind().operation)
        except (OSError, DirectoryError) as error:
            self._socket.close()
            raise DirectoryUnavailable(f"The directory at {url} cannot be reached: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def search(self, base: str, *, scope: str, attributes: Sequence[str] = ("*",)) -> list[Record]:
        """All entries at and below ``base``, as far as ``scope`` reaches; none when it does not exist."""
        (found,) = self.search_each([(base, scope)], attributes)
        if isinstance(found, DirectoryRefused):
            raise found
        return found

    def search_each(
        self, wanted: Sequence[tuple[str, str]], attributes: Sequence[str] = ("*",)
    ) -> Iterator[list[Record] | DirectoryRefused]:
        """The entries at and below each base and scope, in their order, or why they are refused.

        Raises:
            DirectoryUnavailable: no answer. So do the others.
        """
        for begin in range(0, len(wanted), SEARCHES_AT_ONCE):
            some = wanted[begin : begin + SEARCHES_AT_ONCE]
            answers = self._answered([_search(base, scope, attributes) for base, scope in some])
            for (base, _), answer in zip(some, answers, strict=True):
                yield _found(f"search {base}", answer)

    def add(self, record: Record) -> None:
        """Add one entry. Its parent must exist."""
        self._write(lambda to: to.add(record))

    def replace(self, dn: str, attributes: Mapping[str, tuple[str, ...]]) -> None:
        """Give each named attribute exactly these values; no values removes it. One modify operation."""
        self._write(lambda to: to.replace(dn, attributes))

    def delete(self, dn: str) -> None:
        """Delete one entry that has no children. An entry that is gone already is fine."""
        self._write(lambda to: to.delete(dn))

    def write_side_by_side(self, *works: Callable[[Writing], None]) -> list[DirectoryRefused | None]:
        """Do one write to each of several databases at the same time. Why each was refused; None if not.

        Raises:
            DirectoryUnavailable: no answer; each may have been done or not.
        """
        self._before_writing()
        encoded = [_Encoded() for _ in works]
        for work, write in zip(works, encoded, strict=True):
            work(write)
        answers = iter(self._answered([write.operation for write in encoded if write.operation]))
        return [_refusal(write, next(answers)) if write.operation else None for write in encoded]

    def close(self) -> None:
        """Say goodbye and close. A connection that is broken already is fine."""
        with contextlib.suppress(OSError):
            self._socket.settimeout(0)
            self._socket.sendall(requests.ldap_message(LARGEST_MESSAGE_ID, requests.UNBIND))
        self._socket.close()

    def _write(self, work: Callable[[Writing], None]) -> None:
        (refused,) = self.write_side_by_side(work)
        if refused is not None:
            raise refused

    def _succeed(self, purpose: str, operation: bytes) -> None:
        (answer,) = self._answered([operation])
        _must_succeed(purpose, answer)

    def _answered(self, operations: Sequence[bytes]) -> list[_Answer]:
        """Ask together. While its configuration changes, slapd refuses to begin operations for a moment."""
        deadline = time.monotonic() + PATIENCE
        answers = self._ask(operations)
        while busy := [place for place, answer in enumerate(answers) if answer.code == BUSY]:
            if time.monotonic() > deadline:
                break
            time.sleep(RETRY_EVERY)
            for place, answer in zip(busy, self._ask([operations[each] for each in busy]), strict=True):
                answers[place] = answer
        return answers

    def _ask(self, operations: Sequence[bytes]) -> list[_Answer]:
        numbers = [self._next_id() for _ in operations]
        waiting = {number: _Answer() for number in numbers}
        try:
            messages = map(requests.ldap_message, numbers, operations)
            self._socket.sendall(b"".join(messages))
            unanswered = len(numbers)
            while unanswered:
                unanswered -= self._receive(waiting)
        except OSError as error:
            raise DirectoryUnavailable(f"The directory did not answer: {error}") from error
        return list(waiting.values())

    def _next_id(self) -> int:
        self._last_id = following_id(self._last_id)
        return self._last_id

    def _receive(self, waiting: Mapping[int, _Answer]) -> int:
        """Take what has come. How many answers it completes."""
        received = self._socket.recv(_RECEIVE_BYTES)
        if not received:
            raise DirectoryUnavailable("The directory closed the connection.")
        return sum(_take(message, waiting) for message in self._incoming.whole(received))


def _found(purpose: str, answer: _Answer) -> list[Record] | DirectoryRefused:
    try:
        _must_succeed(purpose, answer, NO_SUCH_OBJECT)
    except DirectoryRefused as refused:
        return refused
    return answer.records


def _refusal(write: _Encoded, answer: _Answer) -> DirectoryRefused | None:
    try:
        _must_succeed(write.purpose, answer, *write.also_fine)
    except DirectoryRefused as refused:
        return refused
    return None


def _search(base: str, scope: str, attributes: Sequence[str]) -> bytes:
    return requests.search("publish", base, _SCOPES[scope], _EVERYTHING, attributes).operation


def _attribute(name: str, values: Sequence[str]) -> bytes:
    return ber.element(ber.SEQUENCE, ber.octets(name) + ber.element(ber.SET, b"".join(map(_octets, values))))


def _octets(value: str, tag: int = ber.OCTET_STRING) -> bytes:
    # What was read and was no UTF-8 is written as it was.
    return ber.octets(value.encode("utf-8", "surrogateescape"), tag)


def _take(data: bytes, waiting: Mapping[int, _Answer]) -> bool:
    """Put one message to the answer it belongs to. Whether it completes that answer."""
    message = ber.Reader(data, 0, len(data)).constructed(ber.SEQUENCE)
    answer = waiting.get(message.integer())
    if answer is None or answer.code >= 0:
        raise DirectoryUnavailable("The directory ends the connection.")
    tag = message.tag()
    content = message.constructed(tag)
    if tag == requests.SEARCH_RESULT_ENTRY:
        answer.records.append(_record(content))
        return False
    answer.code = content.integer(ber.ENUMERATED)
    content.octets()
    answer.said = content.text()
    return True


def _record(content: ber.Reader) -> Record:
    dn = content.text()
    listed = content.constructed(ber.SEQUENCE)
    attributes = {}
    while listed.more():
        attribute = listed.constructed(ber.SEQUENCE)
        name = attribute.text()
        if values := tuple(_values(attribute.constructed(ber.SET))):
            attributes[name] = values
    return Record(dn, attributes)


def _values(reader: ber.Reader) -> Iterator[str]:
    while reader.more():
        yield reader.text()


def _must_succeed(purpose: str, answer: _Answer, *also_fine: int) -> None:
    if answer.code in (BUSY, UNAVAILABLE):
        raise DirectoryUnavailable(f"The directory cannot answer now: {answer.said}")
    require_provider(answer.code, answer.said)
    if answer.code not in (SUCCESS, *also_fine):
        raise DirectoryRefused(purpose, answer.code, answer.said or "it does not say why")
