"""HAProxy with the configuration that is shipped for a country, before directory servers of this machine."""

from __future__ import annotations

import csv
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from directory.slapd import Slapd
from tests.support.ending import end
from tests.support.replicas import wait_until
from tests.support.slapd import free_port

_SHIPPED = Path(__file__).parents[2] / "config" / "haproxy-directory.cfg"
_PROGRAM = "/usr/sbin/haproxy"


class Balancer:
    """A running HAProxy: where systems ask, and what it says of the servers behind it."""

    def __init__(self, folder: Path, servers: Mapping[str, Slapd]) -> None:
        self.port = free_port()
        self.socket = folder / "directory.sock"
        self.file = folder / "haproxy.cfg"
        self.file.write_text(self._configuration(servers))

    @property
    def url(self) -> str:
        return f"ldaps://127.0.0.1:{self.port}"

    def _configuration(self, servers: Mapping[str, Slapd]) -> str:
        """The shipped file; only names and addresses are replaced, as its first lines say."""
        text = _once(r"bind :636", f"bind 127.0.0.1:{self.port}", _SHIPPED.read_text())
        text = _once(r"/run/haproxy/directory.sock", str(self.socket), text)
        for shipped, slapd in servers.items():
            address = slapd.ldaps_url.removeprefix("ldaps://")
            text = _once(rf"server {shipped} [\d.:]+", f"server {shipped} {address}", text)
        if os.geteuid() != 0:
            text = _once(r"    user haproxy\n    group haproxy\n", "", text)
        return re.sub(r"(?m)^    server .* 10\..*\n", "", text)

    def say(self, command: str) -> str:
        """Send a command to its socket, as an operator does."""
        with socket.socket(socket.AF_UNIX) as operator:
            operator.connect(str(self.socket))
            operator.sendall(f"{command}\n".encode())
            return operator.makefile().read()

    def servers(self) -> dict[str, dict[str, str]]:
        """What it says of each server, by name."""
        rows = csv.DictReader(self.say("show stat").removeprefix("# ").splitlines())
        return {row["svname"]: row for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")}

    def connections(self, name: str) -> int:
        """How many systems are connected to that server."""
        return int(self.servers()[name]["scur"])

    def wait_until_up(self, name: str) -> None:
        """Wait until systems are sent to that server."""
        wait_until(lambda: self.servers()[name]["status"].startswith("UP"), f"{name} serves")

    def wait_until_down(self, name: str) -> None:
        """Wait until nobody is sent to that server any more."""
        wait_until(lambda: self.servers()[name]["status"] == "DOWN", f"{name} is taken out")


def _once(pattern: str, by: str, text: str) -> str:
    changed, times = re.subn(pattern, by, text)
    assert times == 1, f"the shipped configuration has {pattern} {times} times"
    return changed


@contextmanager
def balancer(folder: Path, servers: Mapping[str, Slapd]) -> Iterator[Balancer]:
    """HAProxy before these servers, by the names that they have in the shipped file; ended at the end."""
    made = Balancer(folder, servers)
    running = subprocess.Popen([_PROGRAM, "-db", "-f", str(made.file)])
    try:
        wait_until(made.socket.exists, "the balancer runs")
        for name in servers:
            made.wait_until_up(name)
        yield made
    finally:
        end(running)
