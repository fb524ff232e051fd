"""What ``./run`` can be told."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.service.layout import IN_READERS, default_folder
from virtual_card.pcsc import KINDS

_DESCRIPTION = """\
Starts the whole service on this machine, and keeps it running until Ctrl-C.

The first start makes a data folder: tables, keys, 14,643 organisations, a directory, and three people with
smartcards. It can be interrupted at any moment; ./run goes on. Later starts keep everything. Everything
listens on 127.0.0.1 alone, unless --host says otherwise. At the end, ./run prints the addresses, who can
sign in, and what to try."""

_EXAMPLES = """\
examples:
  ./run                                        start; go on with what is there
  ./run --fresh                                delete everything, after asking, and begin again
  ./run --data /srv/second --port-offset 1000  a second service beside the first, on ports 9443 …
  ./run --data /srv/cards --pcsc               smartcards behind PC/SC readers
  ./run --data /srv/third --database-url postgresql+psycopg://ra@/spine"""


@dataclass(frozen=True)
class Options:
    """What was chosen.

    Attributes:
        folder: the data folder, absolute.
        fresh: delete what is in it first.
        sure: do not ask before deleting.
        port_offset: None when nothing was said.
        database_url: None when nothing was said.
        host: None when nothing was said.
        pcsc: the kind of cards in smartcard readers that was asked for; empty when nothing was said.
    """

    folder: Path
    fresh: bool
    sure: bool
    port_offset: int | None
    database_url: str | None
    host: str | None
    pcsc: str


def read_options(arguments: Sequence[str] | None, project: Path) -> Options:
    """Read the command line; ends the process with a message when it cannot be understood."""
    parser = _parser(project)
    chosen = parser.parse_args(arguments)
    if chosen.yes and not chosen.fresh:
        parser.error("--yes answers the question of --fresh; give both or neither")
    folder = chosen.data.resolve()
    return Options(
        folder=folder,
        fresh=chosen.fresh,
        sure=chosen.yes,
        port_offset=chosen.port_offset,
        database_url=chosen.database_url,
        host=chosen.host,
        pcsc=chosen.pcsc,
    )


def _parser(project: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=default_folder(project),
        metavar="FOLDER",
        help="the folder that holds everything that is written (default: var in the project's folder)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="delete everything in the data folder first, after asking"
    )
    parser.add_argument("--yes", action="store_true", help="with --fresh: delete without asking")
    _add_first_start_options(parser)
    return parser


def _add_first_start_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port-offset",
        type=_offset,
        metavar="N",
        help="first start only: add N to every port (8080, 8443 to 8445, 9464 to 9466, 1636, 24727)",
    )
    parser.add_argument(
        "--database-url",
        metavar="URL",
        help="first start only: keep the registration authority's data in this empty PostgreSQL database"
        " (postgresql+psycopg://USER@HOST/NAME, password in ~/.pgpass) instead of a file in the data folder",
    )
    parser.add_argument(
        "--host",
        type=_host,
        metavar="NAME",
        help="first start only: the name under which other machines reach this one; the servers then listen"
        " on every address. The card agent stays on this machine. For trying out, not for real cards",
    )
    parser.add_argument(
        "--pcsc",
        nargs="?",
        const=IN_READERS,
        default="",
        choices=sorted(KINDS),
        metavar="KIND",
        help="first start only: emulated cards in two PC/SC readers with a pcscd of their own, in place of"
        f" SoftHSM tokens: {' or '.join(sorted(KINDS))}, by itself {IN_READERS}. Needs root",
    )


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise argparse.ArgumentTypeError("must be a whole host name in small letters, as in ra.example.org")
    return text


def _offset(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LARGEST_OFFSET:
        raise argparse.ArgumentTypeError(f"must be between 0 and {_LARGEST_OFFSET}")
    return number


_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_LARGEST_OFFSET = 65535 - 24727
