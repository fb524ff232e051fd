"""The commands that give and take API keys, for each service that has callers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from app.adapters.api_key_file import ApiKeyFile
from app.errors import SpineError
from app.fhir.api_keys import LONGEST_NAME
from app.settings import Settings, load

KeysOf = Callable[[Settings], ApiKeyFile]


def add_key_commands(group: click.Group, keys_of: KeysOf) -> None:
    """Give the group ``add-key``, ``remove-key`` and ``keys``."""
    group.add_command(_add_key(keys_of))
    group.add_command(_remove_key(keys_of))
    group.add_command(_list_keys(keys_of))


def _add_key(keys_of: KeysOf) -> click.Command:
    @click.command("add-key")
    @click.argument("name")
    @click.pass_context
    def add_key(context: click.Context, name: str) -> None:
        """Make a key for NAME, an organisation or system, and print it once."""
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise click.BadParameter(f"give a name of at most {LONGEST_NAME} characters", param_hint="NAME")
        with _sentences():
            key = keys_of(_settings(context)).add(name)
        click.echo(key)
        click.echo("This is the only time it is shown. It works from now on.", err=True)

    return add_key


def _remove_key(keys_of: KeysOf) -> click.Command:
    @click.command("remove-key")
    @click.argument("name")
    @click.pass_context
    def remove_key(context: click.Context, name: str) -> None:
        """Take the key of NAME back. It is refused from now on."""
        with _sentences():
            keys_of(_settings(context)).remove(name)
        click.echo(f"The key of {name} is refused from now on.")

    return remove_key


def _list_keys(keys_of: KeysOf) -> click.Command:
    @click.command("keys")
    @click.pass_context
    def list_keys(context: click.Context) -> None:
        """Say who has a key."""
        with _sentences():
            for name in keys_of(_settings(context)).names():
                click.echo(name)

    return list_keys


def _settings(context: click.Context) -> Settings:
    return load(context.find_root().obj)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except SpineError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
