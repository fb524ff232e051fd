"""``./run``: starts the whole service on this machine, says what to try, and keeps it running."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from app.errors import SpineError
from app.service.data_folder import choose_layout, layout_to_delete, require_not_deleted
from app.service.deleting import delete_after_asking
from app.service.layout import Layout
from app.service.options import Options, read_options
from app.service.preflight import CannotStart, NotConfirmed, locked, require_programs, require_short_path
from app.service.starting import start
from app.service.stopping import StopRequest
from app.service.supervisor import StartFailed
from app.service.telling import Terminal
from app.service.visitor import NotDone
from card_agent.driver import DriverRefused
from cryptoki import load_card_profiles
from cryptoki.errors import CryptokiError
from directory.errors import SlapdFailed

PROJECT = Path(__file__).resolve().parents[2]
NEEDED = {
    "slapd": "slapd",
    "ldapcompare": "ldap-utils",
    "/usr/lib/softhsm/libsofthsm2.so": "softhsm2",
}
_TOLD = (
    CannotStart,
    StartFailed,
    SpineError,
    NotDone,
    DriverRefused,
    CryptokiError,
    SlapdFailed,
    OSError,
)
"""What ends a start with its sentence. Anything else is a fault of ours, and shows where it happened."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until asked to stop. 1 and a sentence when the service cannot start."""
    options, terminal = read_options(arguments, PROJECT), Terminal()
    stop = StopRequest()
    stop.listen()
    try:
        _run(options, terminal, stop)
    except NotConfirmed as answer:
        terminal.say(f"\n{answer}")
        return 1
    except _TOLD as refusal:
        terminal.say(f"\nThe service cannot start. {refusal}")
        return 1
    except KeyboardInterrupt:
        terminal.say("\nStopped. What was done is kept: the same command goes on from here.")
    return 0


def _run(options: Options, terminal: Terminal, stop: StopRequest) -> None:
    require_programs(NEEDED)
    if options.fresh:
        _delete(options, terminal)
    layout = choose_layout(options.folder, PROJECT, options.port_offset, options.host, pcsc=options.pcsc)
    if layout.has_readers:
        require_programs(_needed_for_readers(layout))
    require_short_path(layout)
    with locked(layout.folder):
        require_not_deleted(layout)
        start(layout, options.database_url, terminal, stop)


_MODULE_PACKAGES = {"smartcard-hsm": "opensc-pkcs11", "piv": "ykcs11"}


def _needed_for_readers(layout: Layout) -> dict[str, str]:
    return {
        "pcscd": "pcscd",
        "/usr/lib/pcsc/drivers/serial/libifdvpcd.so": "vsmartcard-vpcd",
        str(load_card_profiles()[layout.card_profile].module): _MODULE_PACKAGES[layout.card_profile],
    }


def _delete(options: Options, terminal: Terminal) -> None:
    layout = layout_to_delete(options.folder, PROJECT)
    if layout.folder.exists():
        with locked(layout.folder):
            delete_after_asking(layout, options.sure, terminal)


if __name__ == "__main__":
    sys.exit(main())
