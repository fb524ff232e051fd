"""Following the directory: a copy that is kept equal, change by change, by syncrepl (RFC 4533).

::

    with DirectoryCopy(Path("copy.db")) as copy:
        follower = Follower("ldaps://a ldaps://b", ClientTls(authority, certificate, key), copy)
        for seen in follower.follow(stop):
            ...  # Changed(dn, entry), Removed(dn), CaughtUp()

What was missed while nobody followed comes first, deletions too, and then each change as it happens, about a
millisecond after it was made. Each is in the copy before it is told; a follower that is killed goes on where
it was, and what it was about to be told it finds in the copy. The system needs the right to ``changes``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from directory.client import responses
from directory.client.blocking import BlockingConnection
from directory.client.servers import Address, addresses
from directory.client.speaking import Identity, must_be_bound
from directory.credentials import ClientTls
from directory.directory_copy import DirectoryCopy
from directory.errors import DirectoryRefused, DirectoryUnavailable
from directory.names import SUFFIX
from directory.sync_messages import (
    REFRESH_REQUIRED,
    CookieMessage,
    EndMessage,
    EntryMessage,
    EntryState,
    IdSetMessage,
    PhaseMessage,
    SyncMessage,
    read_sync_message,
    sync_request,
)

CONNECT_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
UNWILLING_TO_PERFORM = 53
"""Also what slapd says when we have seen more than it: it lags behind the server that we followed before, or
was killed just after a deletion. Another server may go on from there, or this one after its next change.
"""
_AGAIN_LATER = (responses.SUCCESS, responses.BUSY, responses.UNAVAILABLE, UNWILLING_TO_PERFORM)
_FOLLOWING = 2**30
"""The message id of the search that stays."""


@dataclass(frozen=True)
class Changed:
    """An entry is new, or is otherwise than before, or may be."""

    dn: str
    entry: responses.FoundEntry


@dataclass(frozen=True)
class Removed:
    """An entry is gone."""

    dn: str


@dataclass(frozen=True)
class CaughtUp:
    """Everything that was missed is in the copy; what comes now has just happened."""


Seen = Changed | Removed | CaughtUp


class Follower:
    """Keeps a copy equal to the directory.

    Args:
        servers: ``ldaps://`` addresses separated by spaces. When one ends, the next is followed.
        tls: the system's certificate, and the authority of the servers.
        copy: what is kept; one follower at a time.
        base: what is followed; always the same for one copy.
    """

    def __init__(self, servers: str, tls: ClientTls, copy: DirectoryCopy, base: str = SUFFIX) -> None:
        self._servers = addresses(servers)
        self._identity = Identity(tls)
        self._copy = copy
        self._base = base

    def follow(self, stop: threading.Event) -> Iterator[Seen]:
        """Tell each change, until ``stop`` is set. Servers that are down are tried again and again.

        Raises:
            DirectoryRefused: this system may not follow.
        """
        pause, turn = FIRST_PAUSE, 0
        while not stop.is_set():
            try:
                for seen in self.follow_once(self._servers[turn % len(self._servers)], stop):
                    pause = FIRST_PAUSE
                    yield seen
            except DirectoryUnavailable:
                turn += 1
                stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def follow_once(self, server: Address, stop: threading.Event) -> Iterator[Seen]:
        """Follow one server until it ends, or ``stop`` is set.

        Raises:
            DirectoryUnavailable: it cannot be reached, or ended.
            DirectoryRefused: this system may not follow.
        """
        deadline = time.monotonic() + CONNECT_SECONDS
        connection = BlockingConnection(server, self._identity.context(), deadline)
        try:
            must_be_bound(server, connection.ask(self._identity.bind(), deadline))
            self._copy.begin_refresh()
            request = sync_request(_FOLLOWING, self._base, self._copy.cookie())
            for data in connection.stream(request, stop):
                message = read_sync_message(data, _FOLLOWING)
                if message is not None:
                    yield from self._take(message)
        finally:
            connection.close()

    def _take(self, message: SyncMessage) -> Iterator[Seen]:
        match message:
            case EntryMessage():
                yield from self._take_entry(message)
            case IdSetMessage(gone=True):
                yield from map(Removed, self._copy.drop(message.entry_uuids, message.cookie))
            case IdSetMessage():
                self._copy.keep(message.entry_uuids)
            case PhaseMessage():
                yield from self._end_phase(message)
            case CookieMessage():
                self._copy.save(message.cookie)
            case EndMessage():
                self._end(message)
            case _:
                assert_never(message)

    def _take_entry(self, message: EntryMessage) -> Iterator[Seen]:
        if message.state is EntryState.DELETE:
            yield from map(Removed, self._copy.drop((message.entry_uuid,), message.cookie))
        elif message.state is EntryState.PRESENT:
            self._copy.keep((message.entry_uuid,))
        else:
            self._copy.put(message.entry_uuid, message.entry, message.cookie)
            yield Changed(message.entry.dn, message.entry)

    def _end_phase(self, message: PhaseMessage) -> Iterator[Seen]:
        # Without a cookie everything was sent, whatever the phase is called: what was not named is gone.
        if message.presence or self._copy.cookie() is None:
            yield from map(Removed, self._copy.drop_unnamed())
        self._copy.save(message.cookie)
        if message.refresh_done:
            yield CaughtUp()

    def _end(self, message: EndMessage) -> None:
        if message.result_code == REFRESH_REQUIRED:
            self._copy.forget_cookie()
            raise DirectoryUnavailable("The directory cannot go on from where the copy is; it is read anew.")
        if message.result_code in _AGAIN_LATER:
            raise DirectoryUnavailable(f"The directory ends the following: {message.description}")
        raise DirectoryRefused("be followed", message.result_code, message.description)
