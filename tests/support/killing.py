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
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from app.service import programs
from app.service.layout import Layout
from tests.support.running_service import ROOT, Service

PATIENCE_SECONDS = 40.0
_LOOK_AGAIN_SECONDS = 0.001
_ESTABLISHED = "01"
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
        self.layout = Layout(service.folder, ROOT, port_offset=service.port_offset)
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
        wait_until(lambda: self.pid(program) is not None and ready(), f"{program} is back")

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

    def open(self) -> None:
        """Let the writers go on."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def leave(self) -> None:
        """Let the writers go on, for good."""
        self.open()
        self._connection.close()


class Recorded(IntEnum):
    """How far an issuance is in the system of record."""

    BEGUN = 0
    CLAIMED = 1
    APPROVED = 2
    PERSONALISING = 3
    KEYS_PRESENTED = 4
    CERTIFIED = 5
    ACTIVE = 6


class Signed(IntEnum):
    """How far an order is in the certificate authority's ledger."""

    NOTHING = 0
    INTENDED = 1
    AUDITED = 2
    SIGNED = 3


def recorded(connection: sqlite3.Connection, issuance_id: str) -> Recorded:
    """How far the issuance is."""
    status, job_token, csr = connection.execute(
        "SELECT status, job_token_hash, authentication_csr FROM card_issuance WHERE id = ?", [issuance_id]
    ).fetchone()
    if status == "begun":
        return Recorded.CLAIMED if job_token else Recorded.BEGUN
    if status == "personalising":
        return Recorded.KEYS_PRESENTED if csr else Recorded.PERSONALISING
    return Recorded[status.upper()]


def signed(connection: sqlite3.Connection, issuance_id: str) -> Signed:
    """How far the order is; an order has two certificates, which go step by step together."""
    rows = connection.execute(
        "SELECT audited_at IS NOT NULL, der IS NOT NULL FROM certificate WHERE order_id = ?", [issuance_id]
    ).fetchall()
    return min((Signed.INTENDED + audited + is_signed for audited, is_signed in rows), default=Signed.NOTHING)


@dataclass
class Gates:
    """The gates of both databases, and the moments of one issuance at which they are closed."""

    processes: Processes
    issuance_id: str

    def __post_init__(self) -> None:
        folder = self.processes.layout.folder
        self._record, self._ledger = Gate(folder / "spine.db"), Gate(folder / "ca" / "ca.db")
        self._watching = sqlite3.connect(f"file:{folder / 'ca' / 'ca.db'}?mode=ro", uri=True)

    def at(self, moment: Recorded) -> None:
        """Stand still as soon as this is on record: nothing after it can be recorded."""
        self._record.close_when(lambda connection: self._has_come(connection, moment))

    def before(self, moment: Recorded) -> None:
        """Stand still when the desk has made the call that would record this, and it is not recorded."""
        seen: set[int] = set()

        def reached(connection: sqlite3.Connection) -> bool:
            calls = self.processes.calls_to_web()
            if self._has_come(connection, _call_before(moment)):
                return True
            seen.update(calls)
            return False

        self._record.close_when(reached)
        wait_until(lambda: self.processes.calls_to_web() - seen, f"the desk calls for {moment.name}")

    def when_ordered(self, moment: Signed) -> None:
        """Stand still at a moment of the certificate authority's own."""
        if moment is Signed.INTENDED:
            # It writes its audit event next, which it cannot.
            self.at(Recorded.KEYS_PRESENTED)
            wait_until(lambda: signed(self._watching, self.issuance_id) >= moment, "it is intended")
        elif moment is Signed.AUDITED:
            self._ledger.close_when(lambda connection: self._is_ordered(connection, moment))
        else:
            # The web program records the certificates next, which it cannot.
            self._record.close_when(self._is_audited)
            wait_until(lambda: signed(self._watching, self.issuance_id) >= moment, "it is signed")

    def open(self) -> None:
        """Let everything go on."""
        for gate in (self._record, self._ledger):
            gate.open()

    def leave(self) -> None:
        """Let everything go on, for good."""
        for gate in (self._record, self._ledger):
            gate.leave()
        self._watching.close()

    def _has_come(self, connection: sqlite3.Connection, moment: Recorded) -> bool:
        return _has_come(recorded(connection, self.issuance_id), moment)

    def _is_ordered(self, connection: sqlite3.Connection, moment: Signed) -> bool:
        return _has_come(signed(connection, self.issuance_id), moment)

    def _is_audited(self, connection: sqlite3.Connection) -> bool:
        if recorded(connection, self.issuance_id) > Recorded.KEYS_PRESENTED:
            raise Missed
        chosen = (
            "SELECT count(*) FROM audit_event WHERE event = 'certificate.issued' AND outcome = 'allowed'"
            " AND json_extract(details, '$.order') = ?"
        )
        return bool(connection.execute(chosen, [self.issuance_id]).fetchone()[0])


def _has_come(now: IntEnum, moment: IntEnum) -> bool:
    if now > moment:
        raise Missed
    return now == moment


def _call_before(moment: Recorded) -> Recorded:
    """What the desk's call before the one that records this has recorded."""
    return Recorded.PERSONALISING if moment is Recorded.CERTIFIED else Recorded(moment - 1)
