"""``spine-ra directory``: rebuild the directory from the database, and compare the two."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.bootstrap.database import open_database
from app.bootstrap.directory import directory_publishing, slapd
from app.commands.migration import COMMANDS
from app.commands.replica import replica
from app.errors import SpineError
from app.settings import Settings, load
from directory.errors import SlapdFailed

_DIFFERENT, _NOT_DONE = 1, 2
_SHOWN = 50


@click.group()
def directory() -> None:
    """The LDAP directory, which holds nothing of its own."""


for _command in COMMANDS:
    directory.add_command(_command)
directory.add_command(replica)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (SpineError, SlapdFailed) as error:
        click.echo(str(error), err=True)
        sys.exit(_NOT_DONE)


def _settings(context: click.Context) -> Settings:
    return load(context.find_root().obj)


@directory.command()
@click.pass_context
def rebuild(context: click.Context) -> None:
    """Make the whole directory anew from the database, beside the one that serves, then switch."""
    with _sentences():
        settings = _settings(context)
        publishing = directory_publishing(settings, open_database(settings))
        written = publishing.rebuild(slapd(settings), lambda done: click.echo(f"  {done:,} entries"))
    click.echo(f"The directory was rebuilt: {written:,} entries.")


@directory.command()
@click.pass_context
def compare(context: click.Context) -> None:
    """Tell each difference between database and directory. Ends with 0 when there is none, else with 1."""
    with _sentences():
        settings = _settings(context)
        publishing = directory_publishing(settings, open_database(settings))
        found = 0
        for found, difference in enumerate(publishing.compare(slapd(settings).ldapi_url), 1):
            if found <= _SHOWN:
                click.echo(str(difference))
    click.echo(f"{found:,} differences." if found else "The directory equals the database.")
    sys.exit(_DIFFERENT if found else 0)


def _tell(entries: int) -> None:
    click.echo(f"  {entries:,} entries")
