"""``spine-ra``: what operators do at the command line. Every command may be given again without harm."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.progress import Progress as Bar
from rich.progress import TaskID

from app import bootstrap
from app.ca_commands import ca
from app.data import shipped
from app.directory_commands import directory
from app.domain.actor import Actor
from app.domain.audit_verification import story
from app.domain.system_details import SystemDetails
from app.errors import SpineError
from app.health_commands import health
from app.look_up_commands import look_ups
from app.ra.importing import Progress, RefusedRow
from app.ra.importing_organisations import ImportingOrganisations
from app.ra.importing_rbac import ImportingRbac
from app.ra.loading_systems import LoadingSystems, Signatories
from app.settings import Settings, load
from app.storage.audit_verification import read_public_key, verify_audit
from app.storage.database import Database

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_REFUSED_SHOWN = 20
_TAMPERED, _NOT_VERIFIED = 1, 2


@click.group()
@click.option("--settings", "file", type=_FILE, envvar="SPINE_RA_SETTINGS", help="Settings file.")
@click.pass_context
def main(context: click.Context, file: Path | None) -> None:
    """Spine RA: an open registration authority."""
    context.obj = file


main.add_command(ca)
main.add_command(directory)
main.add_command(health)
main.add_command(look_ups)


class _Told(click.ClickException):
    """An error of ours, told as a sentence."""


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except SpineError as error:
        raise _Told(str(error)) from error


def _settings(context: click.Context) -> Settings:
    with _sentences():
        return load(context.find_root().obj)


def _database(context: click.Context) -> Database:
    database = bootstrap.open_database(_settings(context))
    context.call_on_close(database.close)
    return database


@contextmanager
def _progress() -> Iterator[Progress]:
    with Bar(transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield tell


def _tell_refused(refused: tuple[RefusedRow, ...]) -> None:
    for row in refused[:_REFUSED_SHOWN]:
        click.echo(f"  refused: {row.file} line {row.line}: {row.reason}")
    if len(refused) > _REFUSED_SHOWN:
        click.echo(f"  and {len(refused) - _REFUSED_SHOWN} more, all kept in the table import_refusal.")


@main.command()
@click.pass_context
def migrate(context: click.Context) -> None:
    """Bring the database's tables to the newest form."""
    with _sentences():
        _database(context).migrate()
    click.echo("The database is up to date.")


@main.command()
@click.pass_context
def worker(context: click.Context) -> None:
    """Publish changes to the directory and relying parties, until it is told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    with _sentences():
        bootstrap.worker(_settings(context)).run(stop)


@main.group()
def audit() -> None:
    """The audit of everything that happened."""


@audit.command()
@click.option("--public-key", "key", type=_FILE, help="The audit key's public half; the CA's own without it.")
@click.option("--seals", type=_FILE, help="Seals that are kept beside the database; the CA's own without it.")
@click.pass_context
def verify(context: click.Context, key: Path | None, seals: Path | None) -> None:
    """Verify the whole audit with the public key alone. Ends with 0, or with 1 when it is not whole."""
    folder = _settings(context).ca.folder
    try:
        public_key = read_public_key(key or folder / "public" / "audit-seal.pem")
        findings = verify_audit(_database(context), public_key, seals or _seals_beside(folder))
    except SpineError as error:
        click.echo(f"The audit could not be verified: {error}", err=True)
        sys.exit(_NOT_VERIFIED)
    for line in story(findings, public_key):
        click.echo(line)
    if not findings.is_whole:
        sys.exit(_TAMPERED)


def _seals_beside(ca_folder: Path) -> Path | None:
    file = ca_folder / "audit-seals.jsonl"
    if not file.exists():
        click.echo(f"There is no {file}: only the seals in the database are looked at.")
        return None
    return file


@main.group()
def organisations() -> None:
    """Organisations, as the Organisation Data Service lists them."""


@organisations.command("import")
@click.option("--folder", type=_FOLDER, help="ODS's files; those shipped with the program without it.")
@click.option("--announce/--no-announce", default=True, help="Announce each change to the directory.")
@click.pass_context
def import_organisations(context: click.Context, folder: Path | None, announce: bool) -> None:
    """Import organisations and memberships; what is known and unchanged is left."""
    with _sentences(), _progress() as progress:
        files = shipped.organisations_in(folder) if folder else shipped.shipped_organisations()
        importing = ImportingOrganisations(_database(context), announce)
        report = importing.run(Actor.system("cli"), files, progress)
    for what, each in (("organisations", report.organisations), ("memberships", report.memberships)):
        click.echo(f"{what}: {each.added} new, {each.changed} changed, {each.unchanged} as before")
    click.echo(f"{report.members_not_listed} memberships are of organisations that no file lists")
    click.echo(f"{len(report.refused)} rows refused")
    _tell_refused(report.refused)


@main.group()
def rbac() -> None:
    """National role-based access control: job roles and activities."""


@rbac.command("import")
@click.option("--folder", type=_FOLDER, help="The tables; those shipped with the program without it.")
@click.option("--version", "name", default="", help="What the version in the folder is called.")
@click.option("--from", "day", type=click.DateTime(["%Y-%m-%d"]), help="The first day it is in force.")
@click.pass_context
def import_rbac(context: click.Context, folder: Path | None, name: str, day: datetime | None) -> None:
    """Import a version of the national tables; earlier ones stay for their days."""
    if folder and not (name and day):
        raise click.UsageError("With --folder, say --version and --from.")
    with _sentences():
        files = shipped.rbac_in(folder, name, day.date()) if folder and day else shipped.shipped_rbac()
        report = ImportingRbac(_database(context)).run(Actor.system("cli"), files)
    state = "imported" if report.is_new else "in force already"
    click.echo(f"{report.version}: {report.job_roles} job roles, {report.activities} activities, {state}")
    _tell_refused(report.refused)


@main.group()
def systems() -> None:
    """Accredited systems and message handling systems."""


@systems.command()
@click.option("--file", type=_FILE, default=bootstrap.CONFIG / "systems.toml", help="The list of systems.")
@click.option("--requested-by", required=True, help="Role profile id of who asks for them.")
@click.option("--approved-by", required=True, help="Role profile id of who approves them, another person.")
@click.pass_context
def register(context: click.Context, file: Path, requested_by: str, approved_by: str) -> None:
    """Register the systems of a list; those that are registered already are left."""
    with _sentences():
        listed = [SystemDetails.of(table) for table in tomllib.loads(file.read_text())["system"]]
        loading = LoadingSystems(_database(context), shipped.interactions())
        new = loading.run(Actor.system("cli"), listed, Signatories(requested_by, approved_by))
    click.echo(f"{len(new)} systems and endpoints registered: {', '.join(new) or 'none is new'}")


if __name__ == "__main__":
    main()
