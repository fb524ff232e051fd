"""Authenticated connections to a directory server, on ldap3.

``Session`` is one connection; its methods raise ``DirectoryError`` only. ``directory.reconnecting`` keeps one
open over restarts of the server.

Around ldap3 2.9.1 four things are mended here: its own check of the server's name knows no IP addresses from
Python 3.12 on, it leaves Nagle's algorithm on (which makes a SASL bind wait 44 ms), it waits for ever
for an answer unless told not to, and its thread-safe strategy copies every answer deeply (40 % of the time
that comparing the directory took), where a lock for each operation does as well.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPExceptionError

from directory.credentials import ClientTls
from directory.entries import Record
from directory.errors import DirectoryRefused, DirectoryUnavailable

SUCCESS = 0
COMPARE_FALSE, COMPARE_TRUE = 5, 6
NO_SUCH_ATTRIBUTE = 16
NO_SUCH_OBJECT = 32
BUSY, UNAVAILABLE, UNWILLING_TO_PERFORM = 51, 52, 53

DEFAULT_TIMEOUT = 5
PATIENCE = 2.0
RETRY_EVERY = 0.05
PAGE_SIZE = 500


class _VerifyingTls(ldap3.Tls):  # type: ignore[misc]  # ldap3 ships no types
    """ldap3's TLS settings with the name check left to the ssl module, which knows IP addresses."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Called by ldap3 when the TCP connection stands."""
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.socket = self._context.wrap_socket(
            connection.socket, do_handshake_on_connect=do_handshake, server_hostname=self._host
        )


class Session:
    """One open, authenticated connection. Threads may share it: operations take turns."""

    def __init__(self, connection: ldap3.Connection) -> None:
        self._connection = connection
        self._turn = threading.Lock()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def compare(self, dn: str, attribute: str, value: str) -> int:
        """Ask whether the entry holds the value (RFC 4511 section 4.10) and return the LDAP result code."""
        return int(self._ask(self._connection.compare, dn, attribute, value)[0]["result"])

    def search(
        self,
        base: str,
        filter_text: str = "(objectClass=*)",
        *,
        scope: str = ldap3.SUBTREE,
        attributes: Sequence[str] = ("*",),
    ) -> list[Record]:
        """All matching entries at once; no entries when the base does not exist.

        Raises:
            DirectoryRefused: a limit was reached, whatever had arrived by then, or access is denied.
        """
        result, entries = self._ask(self._connection.search, base, filter_text, scope, attributes=attributes)
        if result["result"] == NO_SUCH_OBJECT:
            return []
        _must_succeed(f"search {base}", result)
        return [_record(entry) for entry in entries if entry["type"] == "searchResEntry"]

    def stream(
        self,
        base: str,
        filter_text: str = "(objectClass=*)",
        *,
        scope: str = ldap3.SUBTREE,
        attributes: Sequence[str] = ("*",),
    ) -> Iterator[Record]:
        """All matching entries below ``base``, read page by page (RFC 2696) in bounded memory.

        No entries when the base does not exist.
        """
        cookie: bytes | None = None
        while True:
            result, entries = self._ask(
                *(self._connection.search, base, filter_text, scope),
                attributes=attributes,
                paged_size=PAGE_SIZE,
                paged_cookie=cookie,
            )
            if result["result"] == NO_SUCH_OBJECT:
                return
            _must_succeed(f"search {base}", result)
            yield from (_record(entry) for entry in entries if entry["type"] == "searchResEntry")
            cookie = result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
            if not cookie:
                return

    def add(self, record: Record) -> None:
        """Add one entry. Its parent must exist."""
        attributes = {name: list(values) for name, values in record.attributes.items()}
        result, _ = self._ask(self._connection.add, record.dn, attributes=attributes)
        _must_succeed(f"add {record.dn}", result)

    def replace(self, dn: str, attributes: Mapping[str, Sequence[str]]) -> None:
        """Give each named attribute exactly these values; no values removes it. One modify operation."""
        changes = {name: [(ldap3.MODIFY_REPLACE, list(values))] for name, values in attributes.items()}
        result, _ = self._ask(self._connection.modify, dn, changes)
        _must_succeed(f"modify {dn}", result)

    def delete(self, dn: str) -> None:
        """Delete one entry that has no children. An entry that is gone already is fine."""
        result, _ = self._ask(self._connection.delete, dn)
        if result["result"] != NO_SUCH_OBJECT:
            _must_succeed(f"delete {dn}", result)

    def who_am_i(self) -> str:
        """The identity that the server has given this connection (RFC 4532); empty for anonymous."""
        result, _ = self._ask(self._connection.extended, "1.3.6.1.4.1.4203.1.11.3")
        _must_succeed("say who we are", result)
        return (result["responseValue"] or b"").decode()

    def close(self) -> None:
        """Unbind and close. A connection that is broken already is fine."""
        with contextlib.suppress(LDAPExceptionError, OSError):
            self._connection.unbind()
        _close_socket(self._connection)

    def _ask(self, operation: Callable[..., Any], *positional: Any, **named: Any) -> tuple[Any, Any]:
        """Run one ldap3 operation: its result and the entries that came with it."""
        deadline = time.monotonic() + PATIENCE
        result, entries = self._answer(operation, positional, named)
        # While its configuration changes, slapd refuses to begin operations for a moment.
        while result["result"] == BUSY and time.monotonic() < deadline:
            time.sleep(RETRY_EVERY)
            result, entries = self._answer(operation, positional, named)
        if result["result"] in (BUSY, UNAVAILABLE):
            raise DirectoryUnavailable(f"The directory cannot answer now: {result['description']}")
        require_provider(int(result["result"]), result["message"] or "")
        return result, entries

    def _answer(
        self, operation: Callable[..., Any], positional: Sequence[Any], named: Mapping[str, Any]
    ) -> tuple[Any, Any]:
        """The connection keeps the latest answer alone: it is taken away before the next operation begins."""
        with self._turn:
            try:
                operation(*positional, **named)
            except (LDAPExceptionError, OSError) as error:
                raise DirectoryUnavailable(f"The directory did not answer: {error}") from error
            return self._connection.result, self._connection.response


def require_provider(result_code: int, said: str) -> None:
    """Raise DirectoryUnavailable when an answer is a replica's, which takes no changes."""
    if result_code == UNWILLING_TO_PERFORM and "shadow context" in said:
        raise DirectoryUnavailable("This server is a replica: it takes no changes. Write to its provider.")


def _record(entry: Mapping[str, Any]) -> Record:
    attributes = {
        name: tuple(value.decode("utf-8", "surrogateescape") for value in values)
        for name, values in entry["raw_attributes"].items()
        if values
    }
    return Record(entry["dn"], attributes)


def _must_succeed(operation: str, result: Mapping[str, Any]) -> None:
    if result["result"] != SUCCESS:
        said = f"{result['description']} {result['message'] or ''}".strip()
        raise DirectoryRefused(operation, int(result["result"]), said)


def open_session(url: str, tls: ClientTls | None = None, timeout: int = DEFAULT_TIMEOUT) -> Session:
    """Connect and authenticate.

    Args:
        url: ``ldapi://<percent-encoded path>`` (authenticated by the Unix user) or ``ldaps://host:port``.
        tls: needed for ldaps; with a certificate the session is that system's, without one it is anonymous.
        timeout: whole seconds to wait for the connection and for each answer.

    Raises:
        DirectoryUnavailable: the server cannot be reached, or one of the two refuses the other.
    """
    connection = _connection(url, tls, timeout)
    try:
        bound = connection.bind()
    except (LDAPExceptionError, OSError) as error:
        _close_socket(connection)
        raise DirectoryUnavailable(f"The directory at {url} cannot be reached: {error}") from error
    if not bound:
        _close_socket(connection)
        said = connection.result["description"]
        raise DirectoryUnavailable(f"The directory at {url} refuses us: {said}")
    return Session(connection)


def _connection(url: str, tls: ClientTls | None, timeout: int) -> ldap3.Connection:
    anonymous = tls is not None and tls.certificate is None
    return ldap3.Connection(
        _server(url, tls, timeout),
        client_strategy=ldap3.SYNC,
        authentication=ldap3.ANONYMOUS if anonymous else ldap3.SASL,
        sasl_mechanism=None if anonymous else ldap3.EXTERNAL,
        sasl_credentials=None if anonymous else "",
        receive_timeout=timeout,
        check_names=False,
        auto_referrals=False,
    )


def _close_socket(connection: ldap3.Connection) -> None:
    """ldap3 leaves the socket open when connecting or binding fails."""
    if connection.socket is not None:
        connection.socket.close()


def _server(url: str, tls: ClientTls | None, timeout: int) -> ldap3.Server:
    if url.startswith("ldapi://"):
        return ldap3.Server(url, get_info=ldap3.NONE, connect_timeout=timeout)
    if tls is None:
        raise DirectoryUnavailable(f"{url} needs TLS: say which authority signs the server's certificate.")
    host = urlsplit(url).hostname or ""
    verifying = _VerifyingTls(tls.context(), host)
    return ldap3.Server(url, get_info=ldap3.NONE, connect_timeout=timeout, tls=verifying)
