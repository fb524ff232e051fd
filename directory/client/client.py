"""The client whose caller waits for the answer."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from datetime import datetime
from types import TracebackType
from typing import TypeVar

from directory.client import questions
from directory.client.blocking import BlockingConnection
from directory.client.questions import Dialogue, Question
from directory.client.results import Endpoint, Role
from directory.client.servers import Servers, addresses
from directory.client.speaking import Identity, must_be_bound
from directory.credentials import ClientTls, PasswordLogin
from directory.errors import DirectoryRefused, DirectoryUnavailable, SeveralAnswers

Decision = TypeVar("Decision")

DEFAULT_TIMEOUT = 5.0
DEFAULT_CONNECTIONS = 8


class DirectoryClient:
    """Asks the directory. Make one and keep it: connecting costs a hundred times a check.

    Threads may share it: each question takes a connection of its own out of a pool, and a new one is opened
    only when none is free. Connections are opened when needed, and again when they break; a question is put
    to the next server when one does not answer. After a fork the child opens its own.

    Args:
        servers: one or more ``ldaps://host:port``, separated by spaces, in order of preference. The name or
            IP address must stand in the server's certificate.
        tls: the authority of the servers' certificates, and the asking system's own certificate and key.
        login: DN and password instead of, or besides, a certificate.
        timeout: seconds within which a question is answered or fails, connecting and other servers included.
        connections: how many there are at most. More threads than that wait for one another.

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

    def may(self, uid: str, activity: str, organisation: str) -> bool:
        """Whether the person holds the activity at the organisation now. One Compare operation.

        As current as the publisher keeps it: a grant or withdrawal shows within a second, a role's start or
        end date when the publisher acts on it.

        Args:
            uid: 12-digit user id.
            activity: code, e.g. ``B0420``.
            organisation: ODS code, in capitals as it is issued.

        Raises:
            InvalidIdentifier: one of the three is not of its form.
            DirectoryUnavailable: no server answered.
            DirectoryRefused: this system may not ask, e.g. because it has been withdrawn.
        """
        return self.ask(questions.may(uid, activity, organisation))

    def may_at(self, uid: str, activity: str, organisation: str, moment: datetime) -> bool:
        """Whether a role held at ``moment`` carries the activity at the organisation. One search operation.

        Raises:
            as ``may``; ValueError when ``moment`` has no time zone.
        """
        return self.ask(questions.may_at(uid, activity, organisation, moment))

    def roles(self, uid: str) -> tuple[Role, ...]:
        """The published role profiles of an active person, ended and coming ones too; none of one unknown.

        Raises:
            as ``may``.
        """
        return self.ask(questions.roles(uid))

    def endpoint(self, organisation: str, interaction: str, party_key: str | None = None) -> Endpoint | None:
        """Where the organisation receives the interaction; None when it does not.

        Raises:
            as ``may``; SeveralAnswers when more than one fits and ``party_key`` does not tell which.
        """
        return self.ask(questions.endpoint(organisation, interaction, party_key))

    def ask(self, question: Question[Decision]) -> Decision:
        """Ask any question (``directory.client.questions``).

        Raises:
            DirectoryError: see the question.
        """
        deadline = time.monotonic() + self._timeout
        while True:
            connection = self._borrow(deadline)
            try:
                decision = _converse(connection, question(), self._until(deadline))
            except DirectoryUnavailable as error:
                self._lose(connection, error)
                if time.monotonic() >= deadline:
                    raise
            except (DirectoryRefused, SeveralAnswers):
                self._give_back(connection)
                raise
            except BaseException:
                self._drop(connection)
                raise
            else:
                self._give_back(connection)
                return decision

    def close(self) -> None:
        """Close the connections that nobody uses at this moment. The next question opens another."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def __enter__(self) -> DirectoryClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin_pool(self) -> None:
        self._process = os.getpid()
        self._idle: deque[BlockingConnection] = deque()
        self._free = threading.Semaphore(self._size)

    def _until(self, deadline: float) -> float:
        return min(deadline, time.monotonic() + self._one_try)

    def _borrow(self, deadline: float) -> BlockingConnection:
        if self._process != os.getpid():
            self._leave_to_parent()
        if not self._free.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise DirectoryUnavailable(f"All {self._size} connections were in use for {self._timeout} s.")
        try:
            return self._idle.pop()
        except IndexError:
            return self._open(deadline)

    def _open(self, deadline: float) -> BlockingConnection:
        """A new connection to the first server that gives one; the place in the pool is held already."""
        try:
            while True:
                connection = self._try_to_open(deadline)
                if connection is not None:
                    return connection
        except BaseException:
            self._free.release()
            raise

    def _try_to_open(self, deadline: float) -> BlockingConnection | None:
        address = self._servers.awake()
        if address is None:
            time.sleep(self._servers.pause(deadline))
            return None
        begun, until = time.monotonic(), self._until(deadline)
        try:
            connection = BlockingConnection(address, self._identity.context(), until)
            self._log_in(connection, until)
        except (DirectoryUnavailable, DirectoryRefused) as error:
            self._servers.failed(address, error, begun)
            if time.monotonic() >= deadline:
                raise
            return None
        self._servers.worked(address)
        return connection

    def _log_in(self, connection: BlockingConnection, until: float) -> None:
        try:
            must_be_bound(connection.address, connection.ask(self._identity.bind(), until))
        except BaseException:
            connection.abandon()
            raise

    def _give_back(self, connection: BlockingConnection) -> None:
        self._idle.append(connection)
        self._free.release()

    def _lose(self, connection: BlockingConnection, error: DirectoryUnavailable) -> None:
        """Give up the connection, and those beside it that broke for the same reason."""
        self._servers.failed(connection.address, error, connection.opened_at)
        for idle in list(self._idle):
            if idle.address == connection.address:
                with contextlib.suppress(ValueError):
                    self._idle.remove(idle)
                    idle.abandon()
        self._drop(connection)

    def _drop(self, connection: BlockingConnection) -> None:
        connection.abandon()
        self._free.release()

    def _leave_to_parent(self) -> None:
        inherited = self._idle
        self._begin_pool()
        for connection in inherited:
            connection.abandon()


def _converse(connection: BlockingConnection, dialogue: Dialogue[Decision], deadline: float) -> Decision:
    """Carry requests and answers until the dialogue has decided."""
    try:
        request = next(dialogue)
        while True:
            request = dialogue.send(connection.ask(request, deadline))
    except StopIteration as decided:
        return decided.value  # type: ignore[no-any-return]  # a generator's return value has no type here
