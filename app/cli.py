"""``spine-ra``: what operators do at the command line. Every command may be given again without harm."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import tomllib
from datetime import datetime
from pathlib import Path

import click

from app import bootstrap
from app.ca_commands import ca
from app.certificate_commands import certificates
from app.command_line import database_of, running_beside, sentences, settings_of, tell_refused
from app.data import shipped
from app.directory_commands import directory
from app.domain.actor import Actor
from app.domain.audit_verification import story
from app.domain.system_details import SystemDetails
from app.errors import SpineError
from app.health_commands import health
from app.look_up_commands import look_ups
from app.metrics_commands import metrics
from app.organisation_commands import organisations
from app.ra.giving_system_passwords import GivingSystemPasswords
from app.ra.importing_rbac import ImportingRbac
from app.ra.loading_systems import LoadingSystems, Signatories
from app.receipt_commands import receipt
from app.signature_commands import signatures
from app.stock_commands import stock
from app.storage.audit_verification import read_public_key, verify_audit

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_TAMPERED, _NOT_VERIFIED = 1, 2


@click.group()
@click.option("--settings", "file", type=_FILE, envvar="SPINE_RA_SETTINGS", help="Settings file.")
@click.pass_context
def main(context: click.Context, file: Path | None) -> None:
    """Spine RA: an open registration authority."""
    context.obj = file


main.add_command(ca)
main.add_command(certificates)
main.add_command(directory)
main.add_command(health)
main.add_command(look_ups)
main.add_command(metrics)
main.add_command(organisations)
main.add_command(stock)
main.add_command(receipt)
main.add_command(signatures)


@main.command()
@click.pass_context
def migrate(context: click.Context) -> None:
    """Bring the database's tables to the newest form."""
    with sentences():
        database_of(context).migrate()
    click.echo("The database is up to date.")


@main.command()
@click.pass_context
def worker(context: click.Context) -> None:
    """Publish changes to the directory and relying parties, until it is told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    with sentences():
        settings = settings_of(context)
        worker, loads = (
            bootstrap.worker(settings),
            bootstrap.carrying_loads(bootstrap.open_database(settings)),
        )
        with running_beside(loads.run):
            worker.run(stop)


@main.group()
def audit() -> None:
    """The audit of everything that happened."""


@audit.command()
@click.option("--public-key", "key", type=_FILE, help="The audit key's public half; the CA's own without it.")
@click.option("--seals", type=_FILE, help="Seals that are kept beside the database; the CA's own without it.")
@click.pass_context
def verify(context: click.Context, key: Path | None, seals: Path | None) -> None:
    """Verify the whole audit with the public key alone. Ends with 0, or with 1 when it is not whole."""
    folder = settings_of(context).ca.folder
    try:
        public_key = read_public_key(key or folder / "public" / "audit-seal.pem")
        findings = verify_audit(database_of(context), public_key, seals or _seals_beside(folder))
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
    with sentences():
        files = shipped.rbac_in(folder, name, day.date()) if folder and day else shipped.shipped_rbac()
        report = ImportingRbac(database_of(context)).run(Actor.system("cli"), files)
    state = "imported" if report.is_new else "in force already"
    click.echo(f"{report.version}: {report.job_roles} job roles, {report.activities} activities, {state}")
    tell_refused(report.refused)


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


if __name__ == "__main__":
    main()
