"""What is checked before anything starts: programs, path, ports, and that the data folder is not in use."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.service.layout import LOOPBACK, Layout

_LONGEST_SOCKET = 107  # unix(7): bytes that fit into sun_path with its terminating zero


class CannotStart(Exception):
    """The service cannot start here and now. The message says what to do."""


class NotConfirmed(CannotStart):
    """Somebody was asked and did not say yes, so nothing was done."""


def require_programs(programs: Mapping[str, str]) -> None:
    """Check that programs are installed.

    Args:
        programs: program or file path, and the Debian package that brings it.

    Raises:
        CannotStart: naming the packages to install.
    """
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = {name: package for name, package in programs.items() if not shutil.which(name, os.F_OK, path)}
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise CannotStart(f"Not installed: {', '.join(missing)}. Install with: apt-get install {packages}")


def require_short_path(layout: Layout) -> None:
    """Check that the data folder's unix sockets can be made.

    Raises:
        CannotStart: the folder's path is too long.
    """
    too_long = max(len(os.fsencode(path)) for path in layout.sockets) - _LONGEST_SOCKET
    if too_long > 0:
        raise CannotStart(
            f"The path of {layout.folder} is {too_long} characters too long for the unix sockets in it."
            " Choose a folder with a shorter path: ./run --data FOLDER"
        )


def require_free_ports(layout: Layout, patience: float) -> None:
    """Check that nobody listens on our ports.

    Args:
        patience: seconds to wait for a port, which programs of a start that was just killed may still hold.

    Raises:
        CannotStart: naming the first port that is taken and how to choose another.
    """
    deadline = time.monotonic() + patience
    for port, purpose in layout.ports:
        while (problem := _problem_with(port)) and time.monotonic() < deadline:
            time.sleep(0.1)
        if problem:
            raise CannotStart(
                f"Port {port} on {LOOPBACK}, for {purpose}, cannot be used: {problem}. Stop the program that"
                f" holds it (ss -ltnp 'sport = :{port}' names it), or give this one a folder and"
                f" ports of its own: ./run --data FOLDER --port-offset {layout.port_offset + 1000}"
            )


def _problem_with(port: int) -> str:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            return getattr(error, "strerror", None) or str(error)
    return ""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Have the data folder for this process alone; the lock goes when the process ends, however it ends.

    Raises:
        CannotStart: another service runs on it.
    """
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    with open(os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"The service already runs on {folder}. Stop it there with Ctrl-C, or start another one on"
                " other ports: ./run --data FOLDER --port-offset 1000"
            ) from None
        yield
