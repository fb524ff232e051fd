"""A TPM 2.0 in software (swtpm) with its resource manager (tpm2-abrmd) on a message bus of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.ending import end

_READY_WITHIN_SECONDS = 20


@contextmanager
def running_tpm(folder: Path) -> Iterator[dict[str, str]]:
    """A new TPM; yields the environment by which tpm2-pkcs11 and the TPM's tools find it."""
    state, store = folder / "tpm", folder / "store"
    state.mkdir()
    store.mkdir()
    bus, server = folder / "bus", folder / "server"
    address = f"unix:path={bus}"
    environment = {
        "DBUS_SESSION_BUS_ADDRESS": address,
        "TPM2_PKCS11_TCTI": "tabrmd:bus_type=session",
        "TPM2TOOLS_TCTI": "tabrmd:bus_type=session",
        "TPM2_PKCS11_STORE": str(store),
        "TPM2_PKCS11_LOG_LEVEL": "0",
        "TSS2_LOG": "all+none",
    }
    programs = {
        bus: ["dbus-daemon", "--session", "--nofork", f"--address={address}"],
        server: [
            *(
                "swtpm",
                "socket",
                "--tpm2",
                "--tpmstate",
                f"dir={state}",
                "--flags",
                "not-need-init,startup-clear",
            ),
            *("--server", f"type=unixio,path={server}", "--ctrl", f"type=unixio,path={server}.ctrl"),
        ],
    }
    with ExitStack() as stack, (folder / "tpm.log").open("wb") as log:
        for awaited, command in programs.items():
            stack.enter_context(_running(command, log.fileno(), environment))
            _wait(awaited.exists)
        tcti = f"--tcti=swtpm:path={server}"
        manager = ["tpm2-abrmd", "--session", "--allow-root", "--flush-all", tcti]
        stack.enter_context(_running(manager, log.fileno(), environment))
        _wait(lambda: _answers(environment))
        yield environment


def clear_lockout(environment: dict[str, str]) -> None:
    """What the computer's owner does after wrong PINs: no function of PKCS#11 can."""
    command = ["tpm2_dictionarylockout", "--clear-lockout"]
    subprocess.run(command, env={**os.environ, **environment}, check=True, timeout=_READY_WITHIN_SECONDS)


@contextmanager
def _running(command: Sequence[str], log: int, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
    try:
        yield
    finally:
        end(process)


def _answers(environment: dict[str, str]) -> bool:
    asked = ["tpm2_getcap", "properties-fixed"]
    settings = {"env": {**os.environ, **environment}, "capture_output": True, "check": False}
    try:
        return subprocess.run(asked, **settings, timeout=_READY_WITHIN_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _wait(is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while not is_ready():
        assert time.monotonic() < deadline, "the TPM did not start"
        time.sleep(0.05)
