"""A server with a good certificate and bad manners: it answers binds, and the rest as the test says."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from directory.client import ber, requests
from tests.support.slapd import ThrowAwayAuthority

Manners = Callable[[ssl.SSLSocket, int, int], None]
"""Called with the connection, the id of a request, and how many came before it on this connection."""


def result(message_id: int, tag: int = requests.COMPARE_RESPONSE, code: int = 6, said: str = "") -> bytes:
    """A response that ends an operation."""
    content = ber.integer(code, ber.ENUMERATED) + ber.octets("") + ber.octets(said)
    return requests.ldap_message(message_id, ber.element(tag, content))


@contextlib.contextmanager
def hostile_server(folder: Path, authority: ThrowAwayAuthority, manners: Manners) -> Iterator[str]:
    """Its address while it runs."""
    files = authority.server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(self.request, server_side=True) as tls:
                _serve(tls, manners)

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"ldaps://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is what the tests are about."""


def _serve(tls: ssl.SSLSocket, manners: Manners) -> None:
    waiting, seen = b"", 0
    while received := tls.recv(65536):
        waiting += received
        while (bounds := ber.header(waiting, 0, len(waiting))) and bounds[1] <= len(waiting):
            message = ber.Reader(waiting, 0, bounds[1]).constructed(ber.SEQUENCE)
            waiting = waiting[bounds[1] :]
            message_id = message.integer()
            if message.tag() == 0x60:
                tls.sendall(result(message_id, requests.BIND_RESPONSE, 0))
            else:
                manners(tls, message_id, seen)
                seen += 1
