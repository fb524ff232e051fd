"""One process at a time: flock(2) on a file, with a limit to the waiting."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PAUSE_SECONDS: Final = 0.02


@contextmanager
def exclusive(path: Path, wait_seconds: float, refusal: Callable[[], Exception]) -> Iterator[None]:
    """Hold the lock. Raises ``refusal()`` when another holds it for longer than ``wait_seconds``.

    The lock goes when the process ends, however it ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _taken_in_time(descriptor, wait_seconds):
            raise refusal()
        yield
    finally:
        os.close(descriptor)


def _taken_in_time(descriptor: int, wait_seconds: float) -> bool:
    deadline = time.monotonic() + wait_seconds
    while not _taken(descriptor):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
