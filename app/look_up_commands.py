"""``spine-ra look-ups``: who may use the FHIR look-ups."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app import bootstrap
from app.adapters.api_key_file import ApiKeyFile
from app.errors import SpineError
from app.fhir.api_keys import LONGEST_NAME
from app.settings import load


@click.group("look-ups")
def look_ups() -> None:
    """The FHIR look-ups of systems and endpoints."""


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except SpineError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _keys(context: click.Context) -> ApiKeyFile:
    return bootstrap.api_keys(load(context.find_root().obj))


@look_ups.command("add-key")
@click.argument("name")
@click.pass_context
def add_key(context: click.Context, name: str) -> None:
    """Make a key for NAME, an organisation or system, and print it once."""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise click.BadParameter(f"give a name of at most {LONGEST_NAME} characters", param_hint="NAME")
    with _sentences():
        key = _keys(context).add(name)
    click.echo(key)
    click.echo("This is the only time it is shown. It works from now on.", err=True)


@look_ups.command("remove-key")
@click.argument("name")
@click.pass_context
def remove_key(context: click.Context, name: str) -> None:
    """Take the key of NAME back. It is refused from now on."""
    with _sentences():
        _keys(context).remove(name)
    click.echo(f"The key of {name} is refused from now on.")


@look_ups.command("keys")
@click.pass_context
def list_keys(context: click.Context) -> None:
    """Say who has a key."""
    with _sentences():
        for name in _keys(context).names():
            click.echo(name)
