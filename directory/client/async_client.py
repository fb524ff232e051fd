"""The client for asyncio: many questions at once over few connections."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from types import TracebackType
from typing import TypeVar

from directory.client import questions
from directory.client.client import DEFAULT_TIMEOUT
from directory.client.pipelining import PipelinedConnection, open_connection
from directory.client.questions import Dialogue, Question
from directory.client.results import Endpoint, Role
from directory.client.servers import Address, Servers, addresses
from directory.client.speaking import Identity, must_be_bound
from directory.credentials import ClientTls, PasswordLogin
from directory.errors import DirectoryRefused, DirectoryUnavailable

Decision = TypeVar("Decision")

DEFAULT_CONNECTIONS = 1
"""Measured: one pipelined connection costs the client less per question than two, and carries as much."""


class _Place:
    """A place in the pool: the connection in it, and the attempt to open one, if there is one."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.connection: PipelinedConnection | None = None
        self.opening: asyncio.Task[None] | None = None


class AsyncDirectoryClient:
    """Asks the directory from asyncio. Make one for an event loop and keep it.

    Questions share the connections: each goes out at once, and answers come as they are ready. Connections
    are opened when needed, and again when they break; a question is put to the next server when one does not
    answer. A question that is cancelled disturbs no other.

    Args:
        servers: one or more ``ldaps://host:port``, separated by spaces, in order of preference. The name or
            IP address must stand in the server's certificate.
        tls: the authority of the servers' certificates, and the asking system's own certificate and key.
        login: DN and password instead of, or besides, a certificate.
        timeout: seconds within which a question is answered or fails, connecting and other servers included.
        connections: how many there are.

    Raises:
        InvalidSetting: an address or a file cannot be used.
    """

    def __init__(
        self,
        servers: str,
        tls: ClientTls,
        login: PasswordLogin | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        connections: int = DEFAULT_CONNECTIONS,
    ) -> None:
        self._servers = Servers(addresses(servers))
        self._identity = Identity(tls, login)
        self._identity.context()
        self._timeout = timeout
        # Half at most: a connection that has died silently must leave time for another.
        self._one_try = timeout / max(2, len(self._servers))
        self._size = connections
        self._begin_pool()

    async def may(self, uid: str, activity: str, organisation: str) -> bool:
        """As ``DirectoryClient.may``."""
        return await self.ask(questions.may(uid, activity, organisation))

    async def may_at(self, uid: str, activity: str, organisation: str, moment: datetime) -> bool:
        """As ``DirectoryClient.may_at``."""
        return await self.ask(questions.may_at(uid, activity, organisation, moment))

    async def roles(self, uid: str) -> tuple[Role, ...]:
        """As ``DirectoryClient.roles``."""
        return await self.ask(questions.roles(uid))

    async def endpoint(
        self, organisation: str, interaction: str, party_key: str | None = None
    ) -> Endpoint | None:
        """As ``DirectoryClient.endpoint``."""
        return await self.ask(questions.endpoint(organisation, interaction, party_key))

    async def ask(self, question: Question[Decision]) -> Decision:
        """Ask any question (``directory.client.questions``).

        Raises:
            DirectoryError: see the question.
        """
        deadline = time.monotonic() + self._timeout
        while True:
            connection = await self._connection(deadline)
            try:
                return await _converse(connection, question(), self._until(deadline))
            except DirectoryUnavailable as error:
                self._servers.failed(connection.address, error, connection.opened_at)
                if time.monotonic() >= deadline:
                    raise

    async def close(self) -> None:
        """Close the connections; what is still asked fails. The next question opens another."""
        places = [place for place in self._places if place.loop is asyncio.get_running_loop()]
        self._begin_pool()
        for place in places:
            if place.opening is not None:
                place.opening.cancel()
            if place.connection is not None:
                await place.connection.close()

    async def __aenter__(self) -> AsyncDirectoryClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _until(self, deadline: float) -> float:
        return min(deadline, time.monotonic() + self._one_try)

    def _begin_pool(self) -> None:
        self._places: list[_Place] = []
        self._turn = 0

    def _place(self) -> _Place:
        """The place whose turn it is. Places of an event loop that has ended are forgotten."""
        if self._places and self._places[0].loop is not asyncio.get_running_loop():
            self._begin_pool()
        if len(self._places) < self._size:
            self._places.append(_Place())
        self._turn = (self._turn + 1) % len(self._places)
        return self._places[self._turn]

    async def _connection(self, deadline: float) -> PipelinedConnection:
        """The connection whose turn it is, opened if need be."""
        place = self._place()
        while (connection := place.connection) is None or connection.lost is not None:
            if place.opening is None and self._servers.awake() is None:
                await asyncio.sleep(self._servers.pause(deadline))
            else:
                await self._wait_until_opened(place, deadline)
        return connection

    async def _wait_until_opened(self, place: _Place, deadline: float) -> None:
        """One attempt serves all who wait for it, and goes on when one of them is cancelled."""
        if place.opening is None:
            place.opening = place.loop.create_task(self._open(place))
        opening = place.opening
        await asyncio.wait((opening,), timeout=max(0.0, deadline - time.monotonic()))
        if not opening.done() or opening.cancelled():
            raise DirectoryUnavailable(f"No directory server could be reached within {self._timeout} s.")
        opening.result()

    async def _open(self, place: _Place) -> None:
        try:
            address = self._servers.awake()
            if address is not None:
                place.connection = await self._try_to_open(address)
        finally:
            place.opening = None

    async def _try_to_open(self, address: Address) -> PipelinedConnection | None:
        begun = time.monotonic()
        until = begun + self._one_try
        try:
            connection = await open_connection(address, self._identity.context(), until)
            await self._log_in(connection, until)
        except (DirectoryUnavailable, DirectoryRefused) as error:
            self._servers.failed(address, error, begun)
            return None
        self._servers.worked(address)
        return connection

    async def _log_in(self, connection: PipelinedConnection, until: float) -> None:
        try:
            answer = await connection.ask(self._identity.bind(), until)
            must_be_bound(connection.address, answer)
        except BaseException:
            connection.abandon(DirectoryUnavailable("The login failed."))
            raise


async def _converse(
    connection: PipelinedConnection, dialogue: Dialogue[Decision], deadline: float
) -> Decision:
    """Carry requests and answers until the dialogue has decided."""
    try:
        request = next(dialogue)
        while True:
            request = dialogue.send(await connection.ask(request, deadline))
    except StopIteration as decided:
        return decided.value  # type: ignore[no-any-return]  # a generator's return value has no type here
