"""The supervisor, on small real programs."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.service.stopping import STOP_SIGNALS, StopRequest
from app.service.supervisor import Program, StartFailed, Supervisor
from tests.support.running_service import wait_until

STAYS = "import time; open({pid!r}, 'w').write(str(__import__('os').getpid())); time.sleep(600)"


class Told(list[str]):
    """What the supervisor told, as its callback."""

    def __call__(self, text: str) -> None:
        self.append(text)


class Watched:
    """A supervisor that mends in a thread, as ``watch`` does in the main thread."""

    def __init__(self, folder: Path) -> None:
        self.told = Told()
        self.supervisor = Supervisor(folder, self.told, StopRequest())
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._mend)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _mend(self) -> None:
        while not self._enough.wait(0.02):
            self.supervisor.mend()


@pytest.fixture
def signals() -> Iterator[None]:
    """``stop`` ignores the signals that ask for it; pytest wants them back."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def program(text: str, **more: object) -> Program:
    return Program("sample", [sys.executable, "-c", text], more.pop("ready", lambda: True), **more)  # type: ignore[arg-type]


@pytest.mark.usefixtures("signals")
def test_a_program_that_dies_is_started_again_and_told(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with Watched(tmp_path) as watched:
        watched.supervisor.start(program(STAYS.format(pid=str(pid)), ready=pid.exists))
        first = pid.read_text()
        pid.unlink()
        os.kill(int(first), signal.SIGKILL)
        wait_until(lambda: any("serves again" in line for line in watched.told), "a restart")
    assert pid.read_text() != first
    assert re.match(r"sample stopped \(killed by SIGKILL\)\. Starting it again in 0\.5 s", watched.told[0])
    watched.supervisor.stop()


@pytest.mark.usefixtures("signals")
def test_a_crash_loop_slows_down_and_shows_the_log(tmp_path: Path) -> None:
    with Watched(tmp_path) as watched:
        watched.supervisor.start(program("print('no database'); raise SystemExit(3)"))
        wait_until(lambda: sum("stopped" in line for line in watched.told) >= 3, "three crashes")
    crashes = [line for line in watched.told if "stopped" in line]
    pauses = [float(re.findall(r"again in ([\d.]+) s", line)[0]) for line in crashes]
    assert pauses[:3] == [0.5, 1.0, 2.0]
    assert "exit status 3" in crashes[0]
    assert "no database" in crashes[0]
    watched.supervisor.stop()


@pytest.mark.usefixtures("signals")
def test_a_program_that_ends_while_starting_is_shown_with_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, Told(), StopRequest())
    with pytest.raises(StartFailed, match=r"(?s)sample stopped while starting.*sample\.log.*no key"):
        supervisor.start(program("print('no key'); raise SystemExit(1)", ready=lambda: False))
    supervisor.stop()


@pytest.mark.usefixtures("signals")
def test_a_program_that_never_answers_is_named(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, Told(), StopRequest())
    with pytest.raises(StartFailed, match="sample did not answer within 0 seconds"):
        supervisor.start(program("import time; time.sleep(600)", ready=lambda: False, patience=0.2))
    supervisor.stop()


@pytest.mark.usefixtures("signals")
def test_stopping_ends_children_of_children_too(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    inner = STAYS.format(pid=str(pid))
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    supervisor = Supervisor(tmp_path, Told(), StopRequest())
    supervisor.start(program(outer, ready=lambda: pid.exists() and pid.read_text() != ""))
    supervisor.stop()
    wait_until(
        lambda: (
            not Path(f"/proc/{pid.read_text()}/cmdline").exists()
            or not Path(f"/proc/{pid.read_text()}/cmdline").read_bytes()
        ),
        "the grandchild's end",
    )


@pytest.mark.usefixtures("signals")
def test_a_signal_is_remembered_where_its_exception_was_dropped() -> None:
    stop = StopRequest()
    stop.listen()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        stop.check()
