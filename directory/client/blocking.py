"""One connection whose caller waits: a TLS socket that one thread uses at a time."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

from directory.client.requests import UNBIND, Request, ldap_message
from directory.client.responses import Answer, Expected, Incoming
from directory.client.servers import Address
from directory.client.speaking import (
    LARGEST_MESSAGE_ID,
    following_id,
    must_be_ours,
    must_be_willing,
    not_connected,
)
from directory.errors import DirectoryUnavailable

RECEIVE_BYTES = 1 << 16
STOP_SECONDS = 0.2
"""How soon a stream heeds that it shall stop."""


class BlockingConnection:
    """Opens, asks and closes. After an error of ``ask`` the connection must be closed.

    Args:
        address: of the server.
        context: verifies the server, and holds our certificate.
        deadline: when opening must be done, by the monotonic clock. Looking up the host's name is the
            system's business and is not bounded by it.

    Raises:
        DirectoryUnavailable: the server cannot be reached.
        ServerNotTrusted: its certificate is not as it should be.
    """

    def __init__(self, address: Address, context: ssl.SSLContext, deadline: float) -> None:
        self.address = address
        self.opened_at = time.monotonic()
        self._incoming = Incoming()
        self._last_id = 0
        try:
            self._socket = _connected(address, context, deadline)
        except OSError as error:
            raise not_connected(address, error) from error

    def ask(self, request: Request, deadline: float) -> Answer:
        """Send a request and wait for its whole answer.

        Raises:
            DirectoryUnavailable: no answer by the deadline, or none that can be read.
        """
        self._last_id = following_id(self._last_id)
        try:
            self._wait_at_most(deadline)
            self._socket.sendall(ldap_message(self._last_id, request.operation))
            answer = self._receive(Expected(request.answered_by), deadline)
        except OSError as error:
            raise DirectoryUnavailable(f"The directory at {self.address} did not answer: {error}") from error
        must_be_willing(self.address, answer)
        return answer

    def _receive(self, expected: Expected, deadline: float) -> Answer:
        while True:
            received = self._socket.recv(RECEIVE_BYTES)
            if not received:
                raise DirectoryUnavailable(f"The directory at {self.address} closed the connection.")
            for message in self._incoming.messages(received):
                must_be_ours(message, self._last_id)
                if expected.take(message):
                    return expected.answer
            self._wait_at_most(deadline)

    def stream(self, message: bytes, stop: threading.Event) -> Iterator[bytes]:
        """Send a message whose answer goes on; yield what comes, a message at a time, until ``stop`` is set.

        Raises:
            DirectoryUnavailable: the connection ended, or what came cannot be read.
        """
        try:
            self._keep_alive()
            self._socket.sendall(message)
            while not stop.is_set():
                yield from self._incoming.whole(self._received())
        except OSError as error:
            raise DirectoryUnavailable(f"The directory at {self.address} is gone: {error}") from error

    def _received(self) -> bytes:
        """What has come within a moment; nothing is not an end."""
        try:
            received = self._socket.recv(RECEIVE_BYTES)
        except TimeoutError:
            return b""
        if not received:
            raise DirectoryUnavailable(f"The directory at {self.address} closed the connection.")
        return received

    def _keep_alive(self) -> None:
        """Find out within two minutes when a server has vanished that has nothing to say for long."""
        self._socket.settimeout(STOP_SECONDS)
        for option, seconds in (
            (socket.TCP_KEEPIDLE, 60),
            (socket.TCP_KEEPINTVL, 10),
            (socket.TCP_KEEPCNT, 3),
        ):
            self._socket.setsockopt(socket.IPPROTO_TCP, option, seconds)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def _wait_at_most(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)

    def close(self) -> None:
        """Say goodbye and close. A connection that is broken already is fine."""
        with contextlib.suppress(OSError):
            self._socket.settimeout(0)
            self._socket.sendall(ldap_message(LARGEST_MESSAGE_ID, UNBIND))
        self.abandon()

    def abandon(self) -> None:
        """Close without a word: after a fork, the connection is the other process's."""
        with contextlib.suppress(OSError):
            self._socket.close()


def _connected(address: Address, context: ssl.SSLContext, deadline: float) -> ssl.SSLSocket:
    left = max(0.001, deadline - time.monotonic())
    plain = socket.create_connection((address.host, address.port), left)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(max(0.001, deadline - time.monotonic()))
        return context.wrap_socket(plain, server_hostname=address.host)
    except BaseException:
        plain.close()
        raise
