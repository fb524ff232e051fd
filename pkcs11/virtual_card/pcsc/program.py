"""The loop of the readers' program: takes orders on a socket and notices pulled cards."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from virtual_card.errors import CardInUse
from virtual_card.locking import exclusive
from virtual_card.pcsc.control import DONE, LOOK, control_socket
from virtual_card.pcsc.desk import PcscDesk
from virtual_card.pcsc.isolation import isolate
from virtual_card.pcsc.layout import run_link
from virtual_card.pcsc.readers import Readers, start_pcscd

READY: Final = "ready"
SOCKET_VARIABLE: Final = "PCSCLITE_CSOCK_NAME"
_LOOK_EVERY_SECONDS: Final = 0.1


def run_readers(folder: Path, *, until_input_ends: bool) -> None:
    """Run pcscd and the cards of the desk. Says ``ready`` when the readers hold what the desk says.

    Raises IsolationRefused, ReadersNotUsable, CardInUse when the readers of this desk run already.
    """
    signal.signal(signal.SIGTERM, _stop)
    desk = PcscDesk(folder)
    with exclusive(folder / "readers.lock", 0, _run_already), _run_folder(folder) as run_folder:
        isolate(run_folder)
        os.environ[SOCKET_VARIABLE] = str(pcscd_socket(folder))
        pcscd, readers = start_pcscd(run_folder), Readers(desk)
        try:
            with suppress(KeyboardInterrupt):
                _serve(folder, readers, until_input_ends)
        finally:
            readers.close()
            pcscd.terminate()
            pcscd.wait()


def pcscd_socket(folder: Path) -> Path:
    """Where pcscd of that desk listens; what PCSCLITE_CSOCK_NAME must be for programs that use it."""
    return run_link(folder).resolve() / "pcscd.comm"


@contextmanager
def _run_folder(folder: Path) -> Iterator[Path]:
    """A folder with a short path, because the path of a socket may have 107 octets only."""
    with tempfile.TemporaryDirectory(prefix="readers-") as run_folder:
        link = run_link(folder)
        link.unlink(missing_ok=True)
        link.symlink_to(run_folder)
        try:
            yield Path(run_folder)
        finally:
            link.unlink(missing_ok=True)


def _serve(folder: Path, readers: Readers, until_input_ends: bool) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(control_socket(folder)))
        listener.listen()
        readers.look()
        print(READY, flush=True)  # noqa: T201  # what the starter waits for
        watched = [listener, sys.stdin] if until_input_ends else [listener]
        while True:
            readable, _, _ = select.select(watched, [], [], _LOOK_EVERY_SECONDS)
            readers.notice_pulled_cards()
            if sys.stdin in readable and not sys.stdin.read(1):
                return
            if listener in readable:
                _obey(listener, readers)


def _obey(listener: socket.socket, readers: Readers) -> None:
    connection, _ = listener.accept()
    with connection, suppress(ConnectionError):
        if connection.recv(len(LOOK)) == LOOK:
            readers.look()
            connection.sendall(DONE)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _run_already() -> CardInUse:
    return CardInUse("The readers of this desk run already.")
