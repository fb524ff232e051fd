"""``python -m virtual_card readers FOLDER``: run the PC/SC readers of the desk in FOLDER until stopped."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from virtual_card.errors import VirtualCardError
from virtual_card.pcsc.isolation import IsolationRefused
from virtual_card.pcsc.program import run_readers
from virtual_card.pcsc.readers import ReadersNotUsable


def main() -> None:
    """Run until SIGTERM or Ctrl-C, or until standard input ends when ``--until-input-ends`` is given."""
    parser = argparse.ArgumentParser(prog="python -m virtual_card", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    readers = commands.add_parser("readers", help="pcscd with two readers, and the cards that lie in them")
    readers.add_argument("folder", type=Path, help="the desk's folder: desk.json, cards/")
    readers.add_argument("--until-input-ends", action="store_true", help="stop when the starter is gone")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    try:
        run_readers(options.folder, until_input_ends=options.until_input_ends)
    except (VirtualCardError, ReadersNotUsable, IsolationRefused, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201  # a command line program
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
