"""Run the private slapd in the foreground: ``python -m directory --folder var/directory ...``.

A replica's folder says the rest (``spine-ra directory replica add``); for the first server the command
line does.
For a supervisor: it ends slapd when it is asked to end, and ends when slapd fails, with slapd's exit
status. A slapd that somebody else ended in good order, as a rebuild does, is started again at once.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from directory.errors import SlapdFailed
from directory.server_tls import ServerTls
from directory.serving import read_serving
from directory.slapd import Slapd


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until slapd ends, and return its exit status; 1 and a sentence when it does not start."""
    chosen = _parser().parse_args(arguments)
    slapd = _slapd(chosen)
    asked_to_end = threading.Event()
    try:
        return _serve(slapd, asked_to_end)
    except SlapdFailed as error:
        if asked_to_end.is_set():  # it ended while it was starting
            return 0
        sys.stderr.write(f"{error}\n")
        return 1


def _slapd(chosen: argparse.Namespace) -> Slapd:
    """As its folder says, for a replica; otherwise as the command line says."""
    kept = read_serving(chosen.folder)
    if kept is not None:
        return kept.slapd(chosen.folder)
    files = (chosen.tls_certificate, chosen.tls_key, chosen.client_authority)
    if None in files:
        _parser().error("--tls-certificate, --tls-key and --client-authority are needed")
    look_up = not chosen.no_anonymous_endpoint_lookup
    return Slapd(
        chosen.folder,
        chosen.ldaps_port,
        ServerTls(*files),
        listen=chosen.listen,
        anonymous_endpoint_lookup=look_up,
    )


def _serve(slapd: Slapd, asked_to_end: threading.Event) -> int:

    def end(*_: object) -> None:
        asked_to_end.set()
        slapd.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    status = 0
    while status == 0 and not asked_to_end.is_set():
        slapd.start()
        if asked_to_end.is_set():  # asked while there was no slapd yet to pass it on to
            slapd.terminate()
        status = slapd.wait()
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m directory", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the directory lies")
    parser.add_argument("--ldaps-port", type=int, default=1636)
    parser.add_argument("--listen", default="127.0.0.1", help="address of the LDAPS port")
    parser.add_argument("--tls-certificate", type=Path, help="PEM, with its chain")
    parser.add_argument("--tls-key", type=Path, help="PEM")
    parser.add_argument(
        "--client-authority",
        type=Path,
        help="PEM of the authorities that sign system certificates",
    )
    parser.add_argument("--no-anonymous-endpoint-lookup", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
