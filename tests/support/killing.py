"""Ends programs of a running service at a chosen moment, without guessing when that is.

Programs are killed with SIGKILL, as a power cut or the kernel's memory killer would. A *gate* holds the write
lock of an SQLite database: whoever is about to write waits, so that the moment stands still until the program
is gone.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.service import programs
from app.service.data_folder import choose_layout
from tests.support.running_service import ROOT, Service

PATIENCE_SECONDS = 40.0
BACK_SECONDS = 3 * PATIENCE_SECONDS
"""For a program to serve again: a start is much work for a busy machine."""
TRIES = 20
"""How often a moment is waited for, each time with another card: some last a millisecond."""
_LOOK_AGAIN_SECONDS = 0.001
_ESTABLISHED = "01"
_CALL_IS_MADE = " is asked: "
_PIPE_BYTES = 1 << 20

# The argument by which each program's process is known.
_ARGUMENTS = {
    "directory": "directory",
    "ca": "app.ca_server",
    "status": "app.wsgi:status",
    "web": "app.wsgi:web",
    "worker": "app.cli",
    "card-agent": "card_agent",
}
_READY = {
    "directory": programs.directory,
    "ca": programs.certificate_authority,
    "status": programs.status,
    "web": programs.web,
    "worker": programs.worker,
    "card-agent": programs.card_agent,
}


def wait_until(holds: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition; ``what`` names it when it does not come true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"in {seconds:.0f} seconds it did not come true: {what}"
        time.sleep(0.02)


class Processes:
    """The programs of a running service, by their names in its supervisor."""

    def __init__(self, service: Service) -> None:
        self._supervisor = service.process.pid
        self.layout = choose_layout(service.folder, ROOT, service.port_offset)
        # Every restart is told and nobody reads it before the end: a full pipe would stop the supervisor.
        assert service.process.stdout is not None
        fcntl.fcntl(service.process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def pid(self, program: str) -> int | None:
        """The process that the supervisor started for the program; None while there is none."""
        return next(
            (pid for pid in _children(self._supervisor) if _ARGUMENTS[program] in _arguments(pid)), None
        )

    def kill(self, program: str) -> None:
        """Kill the program with every process of its own, and wait until it is gone."""
        pid = self.pid(program)
        assert pid is not None, f"{program} does not run"
        os.killpg(pid, signal.SIGKILL)
        wait_until(lambda: not _arguments(pid), f"{program} is gone")

    def kill_first_process(self, program: str) -> None:
        """Kill only the process that the supervisor knows; what it started lives on for now."""
        pid = self.pid(program)
        assert pid is not None, f"{program} does not run"
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not _arguments(pid), f"{program} is gone")

    def wait_until_back(self, program: str) -> None:
        """Wait until the supervisor has the program serving again."""
        ready = _READY[program](self.layout).ready
        wait_until(lambda: self.pid(program) is not None and ready(), f"{program} is back", BACK_SECONDS)

    @contextmanager
    def down(self, program: str) -> Iterator[None]:
        """Keep the program down: the supervisor is made to stand still meanwhile."""
        os.kill(self._supervisor, signal.SIGSTOP)
        try:
            self.kill(program)
            yield
        finally:
            os.kill(self._supervisor, signal.SIGCONT)
        self.wait_until_back(program)

    def calls_of_the_desk(self) -> int:
        """How many calls to the site the card agent's log tells of; each is told just before it is made."""
        return (self.layout.logs / "card-agent.log").read_text().count(_CALL_IS_MADE)

    def calls_to_web(self) -> set[int]:
        """The local ports of the connections to the web program that are open on this machine."""
        return {
            int(local.rpartition(":")[2], 16)
            for local, remote, state in _connections()
            if state == _ESTABLISHED and int(remote.rpartition(":")[2], 16) == self.layout.web_port
        }


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # The name may hold blanks and brackets; what follows its last bracket is state and parent.
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == parent:
            found.append(int(entry.name))
    return found


def _arguments(pid: int) -> list[str]:
    """Empty for a process that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []


def _connections() -> list[tuple[str, str, str]]:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [(fields[1], fields[2], fields[3]) for fields in map(str.split, lines)]


class Missed(Exception):
    """The moment had passed before the gate could be closed."""


class Gate:
    """The write lock of one database of a running service."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, timeout=10)

    def close_when(self, reached: Callable[[sqlite3.Connection], bool]) -> None:
        """Take the lock at the moment when ``reached`` is true, seen under the lock.

        Raises:
            Missed: as ``reached`` does.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                if reached(self._connection):
                    return
            except BaseException:
                self.open()
                raise
            self.open()
            time.sleep(_LOOK_AGAIN_SECONDS)
        raise AssertionError("the moment did not come")

    def seen(self, select: str, *values: str) -> Any:
        """The first row that a statement finds."""
        return self._connection.execute(select, values).fetchone()

    def open(self) -> None:
        """Let the writers go on."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def leave(self) -> None:
        """Let the writers go on, for good."""
        self.open()
        self._connection.close()
