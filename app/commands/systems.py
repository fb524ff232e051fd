"""``spine-ra systems``: accredited systems and message handling systems."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click

from app.ca_files import CONFIG
from app.commands.command_line import database_of, sentences
from app.data import shipped
from app.domain.actor import Actor
from app.domain.system_details import SystemDetails
from app.ra.giving_system_passwords import GivingSystemPasswords
from app.ra.loading_systems import LoadingSystems, Signatories

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def systems() -> None:
    """Accredited systems and message handling systems."""


@systems.command()
@click.option("--file", type=_FILE, default=CONFIG / "systems.toml", help="The list of systems.")
@click.option("--requested-by", required=True, help="Role profile id of who asks for them.")
@click.option("--approved-by", required=True, help="Role profile id of who approves them, another person.")
@click.pass_context
def register(context: click.Context, file: Path, requested_by: str, approved_by: str) -> None:
    """Register the systems of a list; those that are registered already are left."""
    with sentences():
        listed = [SystemDetails.of(table) for table in tomllib.loads(file.read_text())["system"]]
        loading = LoadingSystems(database_of(context), shipped.interactions())
        new = loading.run(Actor.system("cli"), listed, Signatories(requested_by, approved_by))
    click.echo(f"{len(new)} systems and endpoints registered: {', '.join(new) or 'none is new'}")


@systems.command()
@click.argument("asid")
@click.option("--take-away", is_flag=True, help="Let the system's password count no more.")
@click.pass_context
def password(context: click.Context, asid: str, take_away: bool) -> None:
    """Give an accredited system a new password for its LDAP binds, shown once, or take it away."""
    giving = GivingSystemPasswords(database_of(context))
    with sentences():
        if take_away:
            giving.take_away(Actor.system("cli"), asid)
        else:
            click.echo(giving.give(Actor.system("cli"), asid))
