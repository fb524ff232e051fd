"""``spine-ra organisations``: import ODS's reports, and preview and apply files of organisations of every
form.
"""

from __future__ import annotations

import time
from pathlib import Path

import click

from app.bootstrap.loads import carrying_loads, loading_organisations
from app.commands.command_line import database_of, progress_bar, sentences, tell_refused
from app.data import shipped
from app.domain.actor import Actor
from app.domain.organisation_change import Change, OrganisationChange
from app.domain.organisation_load import LoadKind, OrganisationLoad
from app.domain.permission import Permission
from app.ra.carrying_loads import CarryingLoads
from app.ra.importing import Progress
from app.ra.importing_containers import LARGEST_UNPACKED
from app.ra.importing_organisations import ImportingOrganisations
from app.ra.loading_organisations import HandedIn, LoadingOrganisations

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_SHOWN = 20
_LOOK_SECONDS = 0.5
# Whoever can give commands on the server may load; the audit says that it was done here.
_OPERATOR = Actor("system:cli", "cli", permissions=frozenset({Permission.LOAD_ORGANISATIONS}))


@click.group()
def organisations() -> None:
    """Organisations, as the Organisation Data Service lists them."""


@organisations.command("import")
@click.option("--folder", type=_FOLDER, help="ODS's files; those shipped with the program without it.")
@click.option("--announce/--no-announce", default=True, help="Announce each change to the directory.")
@click.pass_context
def import_organisations(context: click.Context, folder: Path | None, announce: bool) -> None:
    """Import organisations and memberships; what is known and unchanged is left."""
    with sentences(), progress_bar() as progress:
        files = shipped.organisations_in(folder) if folder else shipped.shipped_organisations()
        importing = ImportingOrganisations(database_of(context), announce)
        report = importing.run(Actor.system("cli"), files, progress)
    for what, each in (("organisations", report.organisations), ("memberships", report.memberships)):
        click.echo(f"{what}: {each.added} new, {each.changed} changed, {each.unchanged} as before")
    click.echo(f"{report.members_not_listed} memberships are of organisations that no file lists")
    click.echo(f"{len(report.refused)} rows refused")
    tell_refused(report.refused)


@organisations.command()
@click.argument("file", type=_FILE)
@click.option("--full/--changes", required=True, help="Every organisation, or only those that changed.")
@click.option(
    "--report", default="", help="Which CSV report it is, e.g. epraccur, when its name does not say."
)
@click.option("--announce/--no-announce", default=True, help="Announce each change to the directory.")
@click.pass_context
def preview(context: click.Context, file: Path, full: bool, report: str, announce: bool) -> None:
    """Show what FILE (XML, JSON or CSV, packed or not) would change. Nothing is changed."""
    kind = LoadKind.FULL if full else LoadKind.DELTA
    with sentences(), progress_bar() as progress:
        database = database_of(context)
        loading, carrying = loading_organisations(database), carrying_loads(database)
        with file.open("rb") as content:
            handed_in = HandedIn(file.name, kind, report, content, LARGEST_UNPACKED, announce)
            load_id = loading.hand_in(_OPERATOR, handed_in)
        load = _carried(loading, carrying, load_id, progress)
        _tell_load(loading, load)
    if load.message:
        raise click.ClickException(load.message)
    click.echo(f"To apply it: spine-ra organisations apply {load_id}")


@organisations.command()
@click.argument("load_id")
@click.pass_context
def apply(context: click.Context, load_id: str) -> None:
    """Apply the load LOAD_ID as it was previewed; goes on where it was, when it was killed."""
    with sentences(), progress_bar() as progress:
        database = database_of(context)
        loading, carrying = loading_organisations(database), carrying_loads(database)
        if not loading.load(_OPERATOR, load_id).status.is_moving:
            loading.apply(_OPERATOR, load_id)
        load = _carried(loading, carrying, load_id, progress)
    click.echo(f"{load.report.to_apply - len(load.report.stale)} organisations changed.")
    for code in load.report.stale:
        click.echo(f"  left as it is, because it changed meanwhile: {code}")
    if not load.announces:
        click.echo("Nothing was announced: run spine-ra directory rebuild.")


@organisations.command()
@click.pass_context
def loads(context: click.Context) -> None:
    """List the newest loads."""
    with sentences():
        for load in loading_organisations(database_of(context)).loads(_OPERATOR):
            click.echo(
                f"{load.id}  {load.uploaded_at:%Y-%m-%d %H:%M}  {load.status.value:<10} {load.file.name}"
            )


@organisations.command()
@click.argument("load_id")
@click.pass_context
def show(context: click.Context, load_id: str) -> None:
    """Show what the load LOAD_ID would change, or did."""
    with sentences():
        loading = loading_organisations(database_of(context))
        _tell_load(loading, loading.load(_OPERATOR, load_id))


def _carried(
    loading: LoadingOrganisations, carrying: CarryingLoads, load_id: str, progress: Progress
) -> OrganisationLoad:
    """The load when it stands still; carried on here, or by the worker, which is then watched."""
    while (load := loading.load(_OPERATOR, load_id)).status.is_moving:
        if carrying.carry_next(progress) is None:
            progress(load.status.value, load.done, load.total)
            time.sleep(_LOOK_SECONDS)
    return load


def _tell_load(loading: LoadingOrganisations, load: OrganisationLoad) -> None:
    report = load.report
    click.echo(f"{load.file.name}: {load.status.value}")
    click.echo(f"{report.read} read, {report.refused} refused, {report.stubs} only mentioned")
    for change in Change:
        click.echo(f"{change.value}: {report.changes.get(change, 0)}")
        for each in loading.changes(_OPERATOR, load.id, change, "", _SHOWN):
            click.echo(f"  {each.code} {each.organisation.name}{_fields(each)}")
    click.echo(f"as before: {report.unchanged}")
    for sentence, count, codes in report.notes:
        click.echo(f"note: {sentence}: {count} times, e.g. {', '.join(codes)}")
    for file, line, row, reason in report.refused_rows[:_SHOWN]:
        click.echo(f"  refused: {file} {line}: {row[:60]}: {reason}")
    if loading.is_stale(_OPERATOR, load.id):
        click.echo("Organisations have changed since: preview the file again.")


def _fields(change: OrganisationChange) -> str:
    if change.before is None:
        return ""
    return "".join(f"; {each.name}: {each.before!r} -> {each.after!r}" for each in change.fields())
