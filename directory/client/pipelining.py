"""One connection for many questions at once: none waits for another, and ids tell the answers apart."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass

from directory.client.requests import UNBIND, Request, ldap_message
from directory.client.responses import Answer, Expected, Incoming, Message
from directory.client.servers import Address, anew
from directory.client.speaking import (
    LARGEST_MESSAGE_ID,
    following_id,
    must_be_willing,
    must_not_be_the_end,
    not_connected,
)
from directory.errors import DirectoryUnavailable, MalformedAnswer

LOOK_EVERY = 0.05
"""Seconds between two looks at what is overdue. One look for all is far cheaper than a timer for each."""

MOST_LATE = 1000
"""A connection on which so many answers are overdue is given up."""


@dataclass(slots=True)
class _Waiting:
    """A request that is out. Its future may have been cancelled: the answer is then taken and dropped."""

    expected: Expected
    answered: asyncio.Future[Answer]
    asked_at: float
    deadline: float


class PipelinedConnection(asyncio.Protocol):
    """An open connection of one event loop. ``open_connection`` makes it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.loop = asyncio.get_running_loop()
        self.opened_at = time.monotonic()
        self.lost: DirectoryUnavailable | None = None
        self._transport: asyncio.Transport | None = None
        self._incoming = Incoming()
        self._waiting: dict[int, _Waiting] = {}
        self._late: set[int] = set()
        self._last_id = 0
        self._heard_at = self.opened_at
        self._outgoing: list[bytes] = []
        self._looking: asyncio.TimerHandle | None = None
        self._closed: asyncio.Future[None] = self.loop.create_future()

    def ask(self, request: Request, deadline: float) -> asyncio.Future[Answer]:
        """Send a request. The future holds the whole answer, or DirectoryUnavailable.

        Cancelling it harms nobody: ids are not used again while an answer may still come.
        """
        answered: asyncio.Future[Answer] = self.loop.create_future()
        if self.lost is not None:
            answered.set_exception(anew(self.lost))
            return answered
        message_id = self._next_id()
        self._send(ldap_message(message_id, request.operation))
        expected = Expected(request.answered_by)
        self._waiting[message_id] = _Waiting(expected, answered, time.monotonic(), deadline)
        if self._looking is None:
            self._looking = self.loop.call_later(LOOK_EVERY, self._look)
        return answered

    async def close(self) -> None:
        """Say goodbye and close; what is still out fails."""
        if self._transport is not None and self.lost is None:
            self._transport.write(ldap_message(LARGEST_MESSAGE_ID, UNBIND))
        self.abandon(DirectoryUnavailable("The connection to the directory was closed."))
        await self._closed

    def abandon(self, error: DirectoryUnavailable) -> None:
        """Close without a word, because of ``error``; what is still out fails with it."""
        if self._transport is not None:
            self._transport.abort()
        if self._looking is not None:
            self._looking.cancel()
        self._fail(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio when TLS stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio when the connection is no more."""
        why = f": {error}" if error else "."
        self._fail(DirectoryUnavailable(f"The directory at {self.address} closed the connection{why}"))
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, received: bytes) -> None:
        """Called by asyncio with bytes, cut anywhere."""
        if self.lost is not None:
            return
        self._heard_at = time.monotonic()
        try:
            for message in self._incoming.messages(received):
                self._take(message)
        except DirectoryUnavailable as error:
            self.abandon(error)

    def _take(self, message: Message) -> None:
        waiting = self._waiting.get(message.id)
        if waiting is None:
            self._take_late(message)
        elif waiting.expected.take(message):
            answer = waiting.expected.answer
            must_be_willing(self.address, answer)
            del self._waiting[message.id]
            if not waiting.answered.done():
                waiting.answered.set_result(answer)

    def _take_late(self, message: Message) -> None:
        must_not_be_the_end(message)
        if message.id not in self._late:
            raise MalformedAnswer(f"a response to request {message.id}, which was not asked")
        if message.ends:
            self._late.remove(message.id)

    def _next_id(self) -> int:
        """An id that no request has of which an answer may still come (RFC 4511 section 4.1.1.1)."""
        while True:
            self._last_id = following_id(self._last_id)
            if self._last_id not in self._waiting and self._last_id not in self._late:
                return self._last_id

    def _send(self, message: bytes) -> None:
        """At once when nothing else is out, else together with what is asked in this turn of the loop."""
        assert self._transport is not None
        if not self._waiting:
            self._transport.write(message)
            return
        if not self._outgoing:
            self.loop.call_soon(self._flush)
        self._outgoing.append(message)

    def _flush(self) -> None:
        together, self._outgoing = b"".join(self._outgoing), []
        if self._transport is not None and self.lost is None:
            self._transport.write(together)

    def _look(self) -> None:
        """Fail what is overdue; and when nothing came since it was asked, the server is dead."""
        self._looking = None
        now = time.monotonic()
        for message_id, waiting in list(self._waiting.items()):
            if waiting.deadline <= now:
                del self._waiting[message_id]
                self._late.add(message_id)
                self._overdue(waiting)
        if self._waiting and self.lost is None:
            self._looking = self.loop.call_later(LOOK_EVERY, self._look)

    def _overdue(self, waiting: _Waiting) -> None:
        error = DirectoryUnavailable(f"The directory at {self.address} did not answer in time.")
        if not waiting.answered.done():
            waiting.answered.set_exception(error)
        if self._heard_at <= waiting.asked_at or len(self._late) > MOST_LATE:
            self.abandon(error)

    def _fail(self, error: DirectoryUnavailable) -> None:
        if self.lost is None:
            self.lost = error
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            if not one.answered.done():
                one.answered.set_exception(anew(self.lost))


async def open_connection(address: Address, context: ssl.SSLContext, deadline: float) -> PipelinedConnection:
    """Connect with TLS.

    Raises:
        DirectoryUnavailable: the server cannot be reached.
        ServerNotTrusted: its certificate is not as it should be.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            _, connection = await loop.create_connection(
                lambda: PipelinedConnection(address), address.host, address.port, ssl=context
            )
    except OSError as error:
        raise not_connected(address, error) from error
    return connection
