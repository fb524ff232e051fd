"""The private Unix socket of slapd: its URL, and who serves it."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from urllib.parse import quote

from directory.connection import open_session
from directory.errors import DirectoryUnavailable

LONGEST_PATH = 107
"""Bytes that fit into sun_path (unix(7)) with its terminating zero."""


def ldapi_url(socket_path: Path) -> str:
    """The URL of a Unix socket."""
    return "ldapi://" + quote(str(socket_path), safe="")


def answers(socket_path: Path) -> bool:
    """Whether a directory answers. A private socket cannot be a stranger's, as a port can."""
    try:
        open_session(ldapi_url(socket_path)).close()
    except DirectoryUnavailable:
        return False
    return True


def server_pid(socket_path: Path) -> int | None:
    """The process that listens, told by the kernel (SO_PEERCRED): no pid file can be stale. None if none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(socket_path))
        except OSError:
            return None
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])
