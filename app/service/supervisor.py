"""Starts the service's programs, starts again what dies, and stops them all together.

Every child is in a session of its own, so that Ctrl-C reaches only the supervisor, and asks the kernel to be
ended with its parent; :mod:`app.service.last_resort` ends those that do not heed it. So a killed supervisor
leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.service.stopping import STOP_SIGNALS, StopRequest

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a program that stopped is started again: doubled each time."""
STEADY_AFTER = 5.0
"""Seconds after which a program that was started again counts as mended, and its pause begins anew."""
_STOP_WITHIN = 10.0
_LINES_OF_LOG = 5


class StartFailed(Exception):
    """A program did not become ready. The message says which, and where its log is."""


@dataclass(frozen=True)
class Program:
    """One program to run.

    Attributes:
        name: as shown and as its log file is named.
        command: argument vector.
        ready: answers whether the program serves; asked until it does or ``patience`` seconds have gone.
        environment: variables added to our own.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 60.0


class Child:
    """A running program, its log, and when it may be started again."""

    def __init__(self, program: Program, log_folder: Path) -> None:
        self.program = program
        self.log = log_folder / f"{program.name}.log"
        self._pause = FIRST_PAUSE
        self._start_again_at: float | None = None
        self._started_at = 0.0
        self._is_mended = True
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program without waiting for it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                self.program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.program.environment},
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self._start_again_at = None
        self._started_at = time.monotonic()

    def mend(self, tell: Callable[[str], None]) -> bool:
        """Start the program again when it has ended and its pause is over. True when that was now."""
        if self.exit_status is None:
            self._note_recovery(tell)
        elif self._start_again_at is None:
            self._plan_restart(tell)
        elif time.monotonic() >= self._start_again_at:
            self.start()
            return True
        return False

    def _plan_restart(self, tell: Callable[[str], None]) -> None:
        self._kill_group()  # what the program has left behind may hold its port
        lived = time.monotonic() - self._started_at
        self._pause = FIRST_PAUSE if lived > STEADY_AFTER else self._pause
        tell(
            f"{self.program.name} stopped ({_ended(self.exit_status or 0)}). Starting it again in"
            f" {self._pause:.1f} s. Its log: {self.log}{self._tail()}"
        )
        self._start_again_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._is_mended = False

    def _note_recovery(self, tell: Callable[[str], None]) -> None:
        if not self._is_mended and self.program.ready():
            self._is_mended = True
            tell(f"{self.program.name} serves again.")

    def _kill_group(self) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait_until_ready(self, stop: StopRequest) -> None:
        """Wait until the program serves.

        Raises:
            StartFailed: it ended, or did not serve in time.
        """
        deadline = time.monotonic() + self.program.patience
        while not self.program.ready():
            stop.check()
            if self.exit_status is not None:
                raise StartFailed(
                    f"{self.program.name} stopped while starting. Its log: {self.log}{self._tail()}"
                )
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.program.name} did not answer within {self.program.patience:.0f} seconds."
                    f" Its log: {self.log}{self._tail()}"
                )
            time.sleep(0.05)

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()[-_LINES_OF_LOG:]
        return "".join(f"\n    {line}" for line in lines)

    @property
    def exit_status(self) -> int | None:
        """How the program ended, or None while it runs or before it ran."""
        return self._process.poll() if self._process else None

    @property
    def group(self) -> int:
        """The process group of the running program and of what it starts."""
        assert self._process is not None, "it was started"
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if the program still runs."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> None:
        """Wait for the end; kill the program when it takes longer."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(seconds, 0.1))
        self._kill_group()
        self._process.wait()


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _ended(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


class _Guard:
    """The process that kills what we leave behind, should we be killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app.service.last_resort"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def look_after(self, child: Child) -> None:
        """Tell it of a program that was started. A guard that somebody killed stops nothing."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{child.group}\n")
            self._process.stdin.flush()

    def end(self) -> None:
        """Let it see that nothing is left, and end."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()


class Supervisor:
    """Starts programs in order, keeps them running, stops them in the opposite order."""

    def __init__(self, log_folder: Path, tell: Callable[[str], None], stop: StopRequest) -> None:
        self._log_folder = log_folder
        self._tell = tell
        self._stop = stop
        self._children: list[Child] = []
        self._guard = _Guard()

    def start(self, *programs: Program) -> None:
        """Start these programs together and wait until each of them serves.

        Raises:
            StartFailed: one did not become ready; all are stopped again with the others by :meth:`stop`.
        """
        self._stop.check()
        started = [Child(program, self._log_folder) for program in programs]
        for child in started:
            self._children.append(child)
            child.start()
            self._guard.look_after(child)
        for child in started:
            child.wait_until_ready(self._stop)

    def watch(self) -> None:
        """Keep every program running until somebody asks to stop, which is a KeyboardInterrupt."""
        while True:
            self._stop.check()
            self.mend()
            time.sleep(0.2)

    def mend(self) -> None:
        """Start again what has ended and is due."""
        for child in self._children:
            if child.mend(self._tell):
                self._guard.look_after(child)

    def stop(self) -> None:
        """Stop every program, the last started first. Signals that ask for it again change nothing."""
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        deadline = time.monotonic() + _STOP_WITHIN
        for child in reversed(self._children):
            child.signal(signal.SIGTERM)
        for child in reversed(self._children):
            child.wait(deadline - time.monotonic())
        self._guard.end()
