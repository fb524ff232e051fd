"""``spine-ra migrate``: the database's tables."""

from __future__ import annotations

import click

from app.commands.command_line import database_of, sentences


@click.command()
@click.pass_context
def migrate(context: click.Context) -> None:
    """Bring the database's tables to the newest form."""
    with sentences():
        database_of(context).migrate()
    click.echo("The database is up to date.")
