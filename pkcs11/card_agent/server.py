"""The HTTP server on loopback: reads requests within limits and hands them to the application.

The standard library's server is enough here: one person, one browser. It listens on 127.0.0.1 only, answers
each connection in a thread with a time limit, and closes it after one answer.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from card_agent.errors import PortTaken, RequestRefused
from card_agent.http_messages import Request, Response
from card_agent.pages import refusal_page

ADDRESS = "127.0.0.1"
_BODY_LIMIT_BYTES = 8 * 1024
_FIELD_LIMIT = 20
_SILENCE_SECONDS = 10
_CONNECTIONS = 32

_log = logging.getLogger(__name__)
Answer = Callable[[Request], Response]


class LoopbackServer(ThreadingHTTPServer):
    """Listens from its construction on, so that nobody else can take the port; answers once serving."""

    daemon_threads = True
    # Two agents must not share the port, so a second one is refused instead of taking turns.
    allow_reuse_port = False

    def __init__(self, port: int) -> None:
        self.answer: Answer = _not_ready
        self._places = threading.BoundedSemaphore(_CONNECTIONS)
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            raise _unable_to_listen(port, error) from error

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or close at once when too many connections are open."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the place back when the connection ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away; the standard one prints a traceback with local values."""
        _log.debug("a connection ended early")


class _Handler(BaseHTTPRequestHandler):
    """Reads one request. The standard handler bounds the length and number of header lines."""

    server: LoopbackServer
    timeout = _SILENCE_SECONDS
    server_version = "card-agent"
    sys_version = ""

    def do_GET(self) -> None:
        self._send(self.server.answer(self._request({})))

    def do_POST(self) -> None:
        try:
            request = self._request(self._form())
        except RequestRefused as refusal:
            self._send(refusal_page(refusal.status, str(refusal)))
            return
        self._send(self.server.answer(request))

    def _request(self, form: dict[str, str]) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = _pairs(parts.query)
        return Request(self.command, parts.path, query, headers, form)

    def _form(self) -> dict[str, str]:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise RequestRefused(411, "The form did not say how long it is.")
        if int(length) > _BODY_LIMIT_BYTES:
            raise RequestRefused(413, "The form is too long.")
        return _pairs(self.rfile.read(int(length)).decode("utf-8", "replace"))

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.all_headers().items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what cannot be read with the agent's own page and headers."""
        self._send(refusal_page(int(code), "The card agent cannot read this request."))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing here: the request line holds nonces and tickets. The application logs paths."""


def _pairs(text: str) -> dict[str, str]:
    """Return the fields; a name given twice, or too many fields, leave nothing to be guessed about."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELD_LIMIT)
    except ValueError:
        return {}
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else {}


def _not_ready(request: Request) -> Response:
    return refusal_page(503, "The card agent is starting. Try again in a moment.")


def _unable_to_listen(port: int, error: OSError) -> Exception:
    if error.errno != errno.EADDRINUSE:
        return error
    return PortTaken(
        f"Port {port} on {ADDRESS} is taken by another program, perhaps another card agent. "
        "Stop it, or choose another listen.port here and another [agent] origin in the site's settings."
    )
