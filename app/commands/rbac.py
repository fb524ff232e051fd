"""``spine-ra rbac``: national role-based access control."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from app.commands.command_line import database_of, sentences, tell_refused
from app.data import shipped
from app.domain.actor import Actor
from app.ra.importing_rbac import ImportingRbac

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def rbac() -> None:
    """National role-based access control: job roles and activities."""


@rbac.command("import")
@click.option("--folder", type=_FOLDER, help="The tables; those shipped with the program without it.")
@click.option("--version", "name", default="", help="What the version in the folder is called.")
@click.option("--from", "day", type=click.DateTime(["%Y-%m-%d"]), help="The first day it is in force.")
@click.pass_context
def import_rbac(context: click.Context, folder: Path | None, name: str, day: datetime | None) -> None:
    """Import a version of the national tables; earlier ones stay for their days."""
    if any((folder, name, day)) and not all((folder, name, day)):
        raise click.UsageError("Say --folder, --version and --from together, or none of them.")
    with sentences():
        files = shipped.rbac_in(folder, name, day.date()) if folder and day else shipped.shipped_rbac()
        report = ImportingRbac(database_of(context)).run(Actor.system("cli"), files)
    state = "imported" if report.is_new else "in force already"
    click.echo(f"{report.version}: {report.job_roles} job roles, {report.activities} activities, {state}")
    tell_refused(report.refused)
