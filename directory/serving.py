"""How a replica of this machine is served: what ``python -m directory`` needs, kept in the replica's folder.

A replica that is started here is a process of its own, which lives on when its starter ends. In production a
service manager runs the same command.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from directory.errors import SlapdFailed
from directory.server_tls import ServerTls
from directory.slapd import Slapd
from directory.unix_socket import answers, server_pid

_FILE = "serving.json"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Serving:
    """Where a server listens and with which PEM files; see ``ServerTls``."""

    ldaps_port: int
    tls_certificate: str
    tls_key: str
    client_authority: str
    listen: str = "127.0.0.1"
    anonymous_endpoint_lookup: bool = True

    def slapd(self, folder: Path) -> Slapd:
        """The server in ``folder``."""
        tls = ServerTls(Path(self.tls_certificate), Path(self.tls_key), Path(self.client_authority))
        return Slapd(
            folder,
            self.ldaps_port,
            tls,
            listen=self.listen,
            anonymous_endpoint_lookup=self.anonymous_endpoint_lookup,
        )


def write_serving(folder: Path, serving: Serving) -> None:
    """Keep it in the server's folder."""
    (folder / _FILE).write_text(json.dumps(asdict(serving), indent=2) + "\n", encoding="utf-8")


def read_serving(folder: Path) -> Serving | None:
    """What is kept; None for a server that is told on the command line each time."""
    try:
        return Serving(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def command(folder: Path) -> list[str]:
    """What serves the replica in ``folder`` in the foreground."""
    return [sys.executable, "-m", "directory", "--folder", str(folder)]


def start(folder: Path) -> None:
    """Serve the replica in ``folder`` in a process of its own, and wait until it answers.

    Raises:
        SlapdFailed: it does not; the message holds what it said.
    """
    log = folder / "serving.log"
    process = _spawn(command(folder), log)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not answers(folder / "run" / "ldapi"):
        ended, _ = os.waitpid(process, os.WNOHANG)
        if ended or time.monotonic() > deadline:
            raise SlapdFailed(log.read_text(errors="replace").strip() or f"{folder} does not serve.")
        time.sleep(0.02)


def _spawn(arguments: list[str], log: Path) -> int:
    """Start a process that lives on when we end; its id. (subprocess.Popen wants to see its child end.)"""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(arguments[0], arguments, os.environ, file_actions=files, setsid=True)


def stop(folder: Path, number: signal.Signals = signal.SIGTERM) -> bool:
    """End what serves ``folder``, slapd and the process that keeps it running. False when nothing did.

    slapd ends with that process, however that ends.

    Raises:
        SlapdFailed: it does not end.
    """
    serving = server_pid(folder / "run" / "ldapi")
    if serving is None:
        return False
    keeper = _parent(serving)
    os.kill(keeper if _keeps(keeper, folder) else serving, number)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server_pid(folder / "run" / "ldapi") == serving:
        if time.monotonic() > deadline:
            raise SlapdFailed(f"What serves {folder} does not end.")
        time.sleep(0.02)
    return True


def restart(folder: Path) -> None:
    """End the slapd that serves ``folder``; the process that keeps it running starts it anew.

    Without one that serves, nothing is done: it reads everything anew when it is started.
    """
    ended = server_pid(folder / "run" / "ldapi")
    if ended is None:
        return
    os.kill(ended, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server_pid(folder / "run" / "ldapi") in (None, ended):
        if time.monotonic() > deadline:
            raise SlapdFailed(f"{folder} was ended to be started anew, and was not. Start it.")
        time.sleep(0.02)


def _parent(process: int) -> int:
    # The name may hold blanks and brackets; what follows its last bracket is state and parent.
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def _keeps(process: int, folder: Path) -> bool:
    """Whether the process is the ``python -m directory`` of that folder."""
    arguments = Path(f"/proc/{process}/cmdline").read_text().split("\0")
    return arguments[1:3] == ["-m", "directory"] and str(folder) in arguments
