"""The messages of the content synchronization operation, syncrepl (RFC 4533), read and written.

Read with the client's own reader, which trusts no length. ldap3 knows nothing of RFC 4533, and python-ldap
comes as source only, so that a follower would need a compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from directory.client import ber
from directory.client.requests import (
    INTERMEDIATE_RESPONSE,
    SEARCH_RESULT_DONE,
    SEARCH_RESULT_ENTRY,
    SEARCH_RESULT_REFERENCE,
    Scope,
    present,
    search,
)
from directory.client.responses import FoundEntry, read_entry
from directory.errors import DirectoryUnavailable, MalformedAnswer

SYNC_REQUEST = "1.3.6.1.4.1.4203.1.9.1.1"
SYNC_STATE = "1.3.6.1.4.1.4203.1.9.1.2"
SYNC_INFO = "1.3.6.1.4.1.4203.1.9.1.4"
REFRESH_REQUIRED = 4096
"""e-syncRefreshRequired: the server cannot go on from our cookie."""

_REFRESH_AND_PERSIST = 3
_CONTROLS = 0xA0
_UUID_BYTES = 16


class EntryState(IntEnum):
    """What an entry's message says (section 2.2)."""

    PRESENT = 0
    ADD = 1
    MODIFY = 2
    DELETE = 3


@dataclass(frozen=True)
class EntryMessage:
    """An entry, or that it is still there, or that it is gone."""

    state: EntryState
    entry_uuid: str
    entry: FoundEntry
    cookie: str | None


@dataclass(frozen=True)
class IdSetMessage:
    """Entries that are still there, or that are gone (section 2.5)."""

    gone: bool
    entry_uuids: tuple[str, ...]
    cookie: str | None


@dataclass(frozen=True)
class PhaseMessage:
    """A phase of the refresh ends (section 2.5).

    Attributes:
        presence: entries that were not named are gone.
        refresh_done: from here on, changes come as they happen.
    """

    presence: bool
    refresh_done: bool
    cookie: str | None


@dataclass(frozen=True)
class CookieMessage:
    """Only a new cookie."""

    cookie: str | None


@dataclass(frozen=True)
class EndMessage:
    """The server ends the operation."""

    result_code: int
    description: str


SyncMessage = EntryMessage | IdSetMessage | PhaseMessage | CookieMessage | EndMessage


def sync_request(message_id: int, base: str, cookie: str | None) -> bytes:
    """The search that stays: first what there is, then each change, of the whole tree below ``base``."""
    operation = search("follow", base, Scope.SUBTREE, present("objectClass"), ("*",)).operation
    value = ber.integer(_REFRESH_AND_PERSIST, ber.ENUMERATED) + (ber.octets(cookie) if cookie else b"")
    control = ber.octets(SYNC_REQUEST) + ber.boolean(True) + ber.octets(ber.element(ber.SEQUENCE, value))
    controls = ber.element(_CONTROLS, ber.element(ber.SEQUENCE, control))
    return ber.element(ber.SEQUENCE, ber.integer(message_id) + operation + controls)


def read_sync_message(data: bytes, message_id: int) -> SyncMessage | None:
    """One whole LDAPMessage; None for one that says nothing to a follower (a referral).

    Raises:
        MalformedAnswer: it is none, or answers another request.
        DirectoryUnavailable: the server says that it ends the connection.
    """
    message = _reader(data).constructed(ber.SEQUENCE)
    answered = message.integer()
    tag = message.tag()
    operation = message.constructed(tag)
    if answered == 0:
        raise DirectoryUnavailable("The directory ends the connection.")
    if answered != message_id:
        raise MalformedAnswer(f"a response to request {answered}, which was not asked")
    if tag == SEARCH_RESULT_ENTRY:
        return _entry_message(operation, message)
    if tag == INTERMEDIATE_RESPONSE:
        return _info(operation)
    if tag == SEARCH_RESULT_DONE:
        code = operation.integer(ber.ENUMERATED)
        operation.octets()
        return EndMessage(code, operation.text())
    if tag == SEARCH_RESULT_REFERENCE:
        return None
    raise MalformedAnswer(f"a response of tag {tag:#04x} to a search")


def _reader(data: bytes) -> ber.Reader:
    return ber.Reader(data, 0, len(data))


def _entry_message(operation: ber.Reader, message: ber.Reader) -> EntryMessage:
    entry = read_entry(operation)
    value = _reader(_control(message, SYNC_STATE)).constructed(ber.SEQUENCE)
    state = value.integer(ber.ENUMERATED)
    if state > EntryState.DELETE:
        raise MalformedAnswer(f"an entry in state {state}")
    return EntryMessage(EntryState(state), _uuid(value), entry, _cookie(value))


def _control(message: ber.Reader, wanted: str) -> bytes:
    """The value of the control of that kind (RFC 4511 section 4.1.11)."""
    controls = message.constructed(_CONTROLS)
    while controls.more():
        control = controls.constructed(ber.SEQUENCE)
        kind = control.text()
        if control.more() and control.tag() == ber.BOOLEAN:
            control.octets(ber.BOOLEAN)
        if kind == wanted:
            return control.octets()
    raise MalformedAnswer("an entry that does not say its state")


def _info(operation: ber.Reader) -> SyncMessage | None:
    """syncInfoValue, a choice told by its tag."""
    if operation.text(0x80) != SYNC_INFO:
        return None
    value = _reader(operation.octets(0x81))
    tag = value.tag()
    if tag == 0x80:
        return CookieMessage(value.text(0x80))
    if tag in (0xA1, 0xA2):
        phase = value.constructed(tag)
        cookie = _cookie(phase)
        return PhaseMessage(tag == 0xA2, _flag(phase, default=True), cookie)
    listed = value.constructed(0xA3)
    cookie = _cookie(listed)
    gone = _flag(listed, default=False)
    return IdSetMessage(gone, tuple(_uuids(listed.constructed(ber.SET))), cookie)


def _cookie(value: ber.Reader) -> str | None:
    return value.text() if value.more() and value.tag() == ber.OCTET_STRING else None


def _flag(value: ber.Reader, *, default: bool) -> bool:
    if value.more() and value.tag() == ber.BOOLEAN:
        return value.octets(ber.BOOLEAN) != b"\x00"
    return default


def _uuids(value: ber.Reader) -> Iterator[str]:
    while value.more():
        yield _uuid(value)


def _uuid(value: ber.Reader) -> str:
    octets = value.octets()
    if len(octets) != _UUID_BYTES:
        raise MalformedAnswer("an entryUUID that is not of 16 bytes")
    return octets.hex()
