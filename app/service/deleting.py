"""``./run --fresh``: everything in the data folder is deleted, after asking."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from app.errors import SpineError
from app.service.data_folder import RECORD, State, remember
from app.service.layout import Layout
from app.service.preflight import CannotStart, NotConfirmed
from app.service.telling import Terminal
from app.settings import load


def delete_after_asking(layout: Layout, sure: bool, terminal: Terminal) -> None:
    """Delete what is in the folder, when the answer is yes. The folder must be locked.

    Raises:
        CannotStart: the answer was not yes, or nobody can be asked; nothing was deleted.
    """
    if not (layout.folder / RECORD).exists():
        return
    if not sure:
        _ask(layout, terminal)
    database = _database_elsewhere(layout)
    with terminal.step(f"Deleting what is in {layout.folder}"):
        _delete_content(layout)
    if database:
        terminal.say(f"    The database {database} was not touched: drop and create it again yourself.")


def _ask(layout: Layout, terminal: Terminal) -> None:
    if not sys.stdin.isatty():
        raise CannotStart(
            f"--fresh asks before it deletes {layout.folder}, and nobody can answer here. Add --yes to delete"
            " it without asking."
        )
    terminal.say(f"Everything in {layout.folder} will be deleted: people, cards, certificates, audit, keys.")
    try:
        answer = input("Type yes to delete it: ")
    except EOFError:
        answer = ""
    if answer.strip().casefold() != "yes":
        raise NotConfirmed(f"Nothing was deleted. To go on with what is there: {layout.command}")


def _database_elsewhere(layout: Layout) -> str:
    """The database's URL when it is not a file in the folder."""
    try:
        url = load(layout.settings_file).database.url
    except SpineError:  # a folder too damaged to say is deleted all the same
        return ""
    return "" if url.startswith("sqlite:") else url


def _delete_content(layout: Layout) -> None:
    """Delete all but the folder itself. Interrupted half-way, the next start says so."""
    remember(layout, State.BEING_DELETED)
    for path in layout.folder.iterdir():
        if path.name not in (RECORD, "lock"):
            _delete(path)
    (layout.folder / RECORD).unlink()


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
