"""What slapd prints, without what it prints for each request of a busy connection.

slapd says "deferring operation" for every request that comes while it works on two others of the same
connection, which is how any client with many in flight goes on: 100 bytes each, thirty thousand times a
second, and no level of logging leaves them out and keeps errors (2.5.13, ``connection_input``).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_NOISE = b" deferring operation: "
_PIPE_BYTES = 1 << 20
_READ_EVERY = 0.05
"""Seconds. Less often than slapd prints, so that it need not wake the reader each time."""


class SlapdLog:
    """The file to which goes on what is worth reading.

    Args:
        path: written anew at each ``printing``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def printing(self) -> Iterator[int]:
        """A descriptor for a child to print to. What comes while the pipe is full is lost: nobody waits."""
        self.path.write_bytes(b"")
        reading, writing = os.pipe2(os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(writing, False)
        self._thread = threading.Thread(target=_carry, args=(reading, self.path), daemon=True)
        self._thread.start()
        try:
            yield writing
        finally:
            os.close(writing)

    def text(self) -> str:
        """What a child that has ended said."""
        if self._thread is not None:
            self._thread.join(timeout=1.0)
        return self.path.read_text(errors="replace")


def _carry(reading: int, path: Path) -> None:
    with open(reading, "rb", buffering=0) as source, path.open("ab", buffering=0) as target:
        unfinished = b""
        while printed := source.read(_PIPE_BYTES):
            *lines, unfinished = (unfinished + printed).split(b"\n")
            target.write(b"".join(line + b"\n" for line in lines if _NOISE not in line))
            time.sleep(_READ_EVERY)
        target.write(unfinished)
