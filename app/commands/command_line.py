"""What all commands share: errors told as sentences, settings and database, progress bars."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.progress import Progress as Bar
from rich.progress import TaskID

from app.bootstrap.database import open_database
from app.errors import SpineError
from app.ra.importing import Progress
from app.ra.importing_rows import RefusedRow
from app.settings import Settings, load
from app.storage.database import Database

_REFUSED_SHOWN = 20


class _Told(click.ClickException):
    """An error of ours, told as a sentence."""


@contextmanager
def sentences() -> Iterator[None]:
    """Tell refusals and outages as sentences, without a traceback."""
    try:
        yield
    except SpineError as error:
        raise _Told(str(error)) from error


def settings_of(context: click.Context) -> Settings:
    """The settings that the command was started with."""
    with sentences():
        return load(context.find_root().obj)


def database_of(context: click.Context) -> Database:
    """The database of the settings, closed when the command ends."""
    database = open_database(settings_of(context))
    context.call_on_close(database.close)
    return database


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar for each thing that is done; on a terminal only."""
    with Bar(transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield tell


def tell_refused(refused: tuple[RefusedRow, ...]) -> None:
    """The first rows that were refused, and how many more there are."""
    for row in refused[:_REFUSED_SHOWN]:
        click.echo(f"  refused: {row.file} line {row.line}: {row.reason}")
    if len(refused) > _REFUSED_SHOWN:
        click.echo(f"  and {len(refused) - _REFUSED_SHOWN} more, all kept in the table import_refusal.")


@contextmanager
def running_beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run something in a thread of its own until the block ends; it is told so by the event."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
