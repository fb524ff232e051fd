"""The whole service as ``./run`` starts it, in a folder and on ports of its own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAST_LINE = " Logs: "
MARK = "SPINE_RA_TEST_RUN"
_STOPS_WITHIN = 60
_FILES = itertools.count()
SOFTHSM = "softhsm"
CARD_KINDS = (SOFTHSM, "smartcard-hsm")
"""Those that a journey is made on which is made on more than one: in a folder, and in PC/SC readers."""


@dataclass(frozen=True)
class Holder:
    """Somebody of the starting staff."""

    name: str
    uid: str
    card_serial: str
    pin: str


@dataclass(frozen=True)
class Service:
    """A running service. ``said`` is everything that it has printed, to the end of its page of text."""

    folder: Path
    port_offset: int
    said: str
    process: subprocess.Popen[str]

    @property
    def web(self) -> str:
        return f"https://localhost:{8443 + self.port_offset}"

    @property
    def relying_party(self) -> str:
        return f"https://127.0.0.1:{8444 + self.port_offset}"

    @property
    def status(self) -> str:
        return f"http://127.0.0.1:{8080 + self.port_offset}"

    @property
    def agent(self) -> str:
        return f"http://127.0.0.1:{24727 + self.port_offset}"

    @property
    def ldaps(self) -> str:
        return f"ldaps://localhost:{1636 + self.port_offset}"

    @property
    def tls_authority(self) -> Path:
        return self.folder / "tls" / "ca.pem"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.toml"

    def people(self) -> dict[str, Holder]:
        """The starting staff, by what they are."""
        listed = json.loads((self.folder / "secrets" / "people.json").read_text())
        return {each.pop("what"): Holder(**each) for each in listed}

    def spine_ra(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line as an operator does."""
        command = [sys.executable, "-m", "app.cli", "--settings", str(self.settings), *arguments]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'pkcs11'}"}
        return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=120, env=environment)

    def log(self, program: str) -> str:
        return (self.folder / "log" / f"{program}.log").read_text(errors="replace")


def offset_of_this_process() -> int:
    """A port offset for one file of tests: no other file of this run has it at the same time.

    Ten for each of three processes, so that a service that is still stopping disturbs nobody. Above them
    begin the ports that the system gives to clients.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return 5000 + 1000 * (worker % 3) + 100 * (next(_FILES) % 10)


def begin_start(
    folder: Path, port_offset: int, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Begin to start the service; what it says comes line by line from ``stdout``."""
    command = [sys.executable, "-m", "app.service", "--data", str(folder), "--port-offset", str(port_offset)]
    paths = [str(ROOT), str(ROOT / "pkcs11"), *filter(None, [(environment or {}).get("PYTHONPATH")])]
    return subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Whoever runs the tests may ignore SIGHUP, as nohup does; the service would rightly heed that.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1", "PYTHONPATH": ":".join(paths)},
    )


def said_until(process: subprocess.Popen[str], is_last: Callable[[str], bool]) -> str:
    """What the start says, to the line that is asked for. Fails when it ends before."""
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if is_last(line):
            return "".join(said)
    raise AssertionError("the service did not start:\n" + "".join(said))


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> str:
    """Stop the service as Ctrl-C does, and answer what it says of it."""
    process.send_signal(number)
    said, _ = process.communicate(timeout=_STOPS_WITHIN)
    return said


@contextmanager
def running_service(
    folder: Path, port_offset: int, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Start the service and wait for the end of its page of text; stop it as Ctrl-C does."""
    process = begin_start(folder, port_offset, *options, environment=environment)
    try:
        yield Service(
            folder, port_offset, said_until(process, lambda line: line.startswith(LAST_LINE)), process
        )
    finally:
        if process.stdout is not None and not process.stdout.closed:
            ended_before = process.poll()
            # Shown with the tests that failed meanwhile: what stopped and was started again, and why.
            print(said := stop(process))
            assert ended_before is None, f"the service ended by itself ({ended_before}):\n{said}"


def processes_of_run(mark: str) -> dict[int, str]:
    """Every process that was started with ``mark`` in its environment: its id and command line."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                words = (process / "cmdline").read_bytes().split(b"\0")
                found[int(process.name)] = b" ".join(words).decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
    return {pid: command for pid, command in found.items() if command}  # a zombie has no command line


def wait_until(is_so: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait for a condition; fails with what was waited for."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.05)
