"""How a desk tells the readers' program that cards were put elsewhere: a message and an answer by socket."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from virtual_card.errors import ReadersNotRunning
from virtual_card.pcsc.layout import run_link

_ANSWER_WITHIN_SECONDS: Final = 20.0
LOOK: Final = b"look\n"
DONE: Final = b"done\n"


def control_socket(desk: Path) -> Path:
    """Where the readers' program of the desk listens."""
    return run_link(desk).resolve() / "readers.sock"


def ask_to_look(desk: Path) -> None:
    """Have the readers hold what desk.json says; returns when they do. Raises ReadersNotRunning."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_WITHIN_SECONDS)
            connection.connect(str(control_socket(desk)))
            connection.sendall(LOOK)
            if connection.recv(len(DONE)) == DONE:
                return
    except OSError:
        pass
    raise ReadersNotRunning(
        "The readers of this desk do not run. Start them with: python -m virtual_card readers FOLDER"
    )
