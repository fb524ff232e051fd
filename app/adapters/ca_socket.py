"""The certificate authority's socket: who may speak, how much, and what a fault looks like from outside."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from app.adapters.ca_messages import MAXIMUM_REQUEST_BYTES, Message, receive_message, send_message
from app.ca.refusals import RequestMalformed
from app.errors import Refusal, Unavailable

IDLE_SECONDS = 60
MAXIMUM_CONNECTIONS = 64
_PEER = struct.Struct("3i")
_BUSY: Message = {
    "unavailable": {"dependency": "certificate authority", "message": "The certificate authority is busy."}
}

_log = logging.getLogger(__name__)

Handle = Callable[[Message], Message]


class CaSocketServer(socketserver.ThreadingUnixStreamServer):
    """Serves ``handle`` on a Unix socket to processes of ``user_ids`` alone, as the kernel tells them.

    The file's mode lets other users come only when there are others to serve.

    A socket file that a killed process left behind is replaced: only one process holds the authority's lock.
    """

    daemon_threads = True
    request_queue_size = MAXIMUM_CONNECTIONS

    def __init__(self, path: Path, handle: Handle, *user_ids: int) -> None:
        self._handle = handle
        self._in_progress = 0
        self._is_closing = False
        self._all_answered = threading.Condition()
        self.user_ids = frozenset(user_ids)
        self.places = threading.BoundedSemaphore(MAXIMUM_CONNECTIONS)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        before = os.umask(0o111 if self.user_ids - {os.geteuid()} else 0o177)
        try:
            super().__init__(str(path), _Conversation)
        finally:
            os.umask(before)

    def server_close(self) -> None:
        """Close the socket and wait until what is being answered is answered: the token is still in use."""
        super().server_close()
        with self._all_answered:
            self._is_closing = True
            self._all_answered.wait_for(lambda: self._in_progress == 0)

    def answer(self, message: Message) -> Message:
        """The reply to a message."""
        with self._all_answered:
            if self._is_closing:
                return _BUSY
            self._in_progress += 1
        try:
            return answer(self._handle, message)
        finally:
            with self._all_answered:
                self._in_progress -= 1
                self._all_answered.notify_all()


class _Conversation(socketserver.BaseRequestHandler):
    """One connection: messages in turn, until the other side closes, is silent or sends what is none."""

    server: CaSocketServer
    request: socket.socket

    def handle(self) -> None:
        if not self._is_permitted():
            _log.warning("a process of another user was turned away")
            return
        if not self.server.places.acquire(blocking=False):
            self._send(_BUSY)
            return
        try:
            self._converse()
        finally:
            self.server.places.release()

    def _is_permitted(self) -> bool:
        """Whether the other process is a permitted user's (SO_PEERCRED, unix(7))."""
        credentials = self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        _process, user, _group = _PEER.unpack(credentials)
        return user in self.server.user_ids

    def _converse(self) -> None:
        self.request.settimeout(IDLE_SECONDS)
        with suppress(OSError):
            while True:
                try:
                    message = receive_message(self.request, MAXIMUM_REQUEST_BYTES)
                except RequestMalformed as refusal:
                    self._send(_refused(refusal))
                    return
                if message is None:
                    return
                self._send(self.server.answer(message))

    def _send(self, reply: Message) -> None:
        with suppress(OSError):
            send_message(self.request, reply)


def answer(handle: Handle, message: Message) -> Message:
    """The reply to a message: the result, or what went wrong. A fault shows a reference number only."""
    try:
        return {"result": handle(message)}
    except Refusal as refusal:
        return _refused(refusal)
    except Unavailable as outage:
        _log.error("unavailable: %s", outage)
        return {"unavailable": {"dependency": outage.dependency, "message": str(outage)}}
    except Exception:
        reference = secrets.token_hex(4)
        _log.exception("fault %s", reference)
        return {"fault": reference}


def _refused(refusal: Refusal) -> Message:
    return {"refused": {"code": refusal.code, "message": str(refusal)}}
