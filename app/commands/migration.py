"""``spine-ra directory import`` and what follows it: migrating from another directory (docs/migrating.md)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
from rich.progress import Progress as Bar
from rich.progress import TaskID

from app.adapters.old_directory_file import OldDirectoryFile, OldLogFile
from app.adapters.old_directory_log import LdifFragments, OldLogOverLdap, PresentEntries
from app.bootstrap.database import open_database
from app.domain.actor import Actor
from app.errors import SpineError, Unavailable
from app.ra.following_old_directory import FollowingOldDirectory
from app.ra.importing_directory import CuttingOver, DirectoryImported, ImportingDirectory, MigrationEnded
from app.ra.migration_ports import OldLog
from app.settings import load
from app.storage.database import Database
from directory.connection import open_session
from directory.credentials import ClientTls

_ACTOR = Actor.system("cli")
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_EVERY_SECONDS = 1.0
_PATIENCE_SECONDS = 10.0
_NOT_DONE = 2


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except SpineError as error:
        click.echo(str(error), err=True)
        sys.exit(_NOT_DONE)


@contextmanager
def _database(context: click.Context) -> Iterator[Database]:
    with closing(open_database(load(context.find_root().obj))) as database:
        yield database


@click.command("import")
@click.argument("file", type=_FILE)
@click.option("--announce/--no-announce", default=False, help="Announce each change to our directory.")
@click.pass_context
def import_directory(context: click.Context, file: Path, announce: bool) -> None:
    """Take over the people, role profiles, organisations and systems of another directory's LDIF.

    May be interrupted and given again. Without --announce, rebuild our directory afterwards.
    """
    with _sentences(), _database(context) as database, Bar(transient=True) as bar:
        sorting = bar.add_task("sorting the file", total=None)
        with closing(OldDirectoryFile(file, lambda done: bar.update(sorting, completed=done))) as old:
            bar.update(sorting, total=1, completed=1)
            report = ImportingDirectory(database, announce).run(_ACTOR, old, _Telling(bar).tell)
    _tell(report, old)


class _Telling:
    """A progress bar for each kind of record."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def tell(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done)


def _tell(report: DirectoryImported, old: OldDirectoryFile) -> None:
    for kind, counts in report.counts.items():
        click.echo(
            f"{kind.value}s: {counts['taken']:,} taken over ({counts['reduced']:,} of them reduced),"
            f" {counts['unchanged']:,} as before, {counts['refused']:,} refused"
        )
    click.echo(f"{old.passed_over:,} other entries passed over, {report.unreadable:,} records unreadable")
    if old.last_change is not None:
        click.echo(
            f"The file's change log ends with {old.last_change}: follow with --since {old.last_change}."
        )
    if report.refused:
        click.echo("Why, says `spine-ra directory import-report`.")


@click.command("import-report")
@click.option("--kind", type=click.Choice(["refused", "reduced"]), default="refused")
@click.option("--limit", type=click.IntRange(min=1), default=100)
@click.pass_context
def import_report(context: click.Context, kind: str, limit: int) -> None:
    """Tell what could not be taken over (refused), or not whole (reduced), and why."""
    with _sentences(), _database(context) as database, database.read() as work:
        counts, found = work.migrated.count_findings(), work.migrated.findings(kind, limit)
    for each in found:
        click.echo(f"{each.source} {each.place}: {each.dn}: {each.reason}")
    click.echo(f"{counts.get('refused', 0):,} refused, {counts.get('reduced', 0):,} reduced")


@click.command("follow-import")
@click.option("--from", "url", help="The old directory, ldaps://host:port or ldapi://…")
@click.option("--log-file", type=_FILE, help="Its change log exported as LDIF, instead.")
@click.option("--since", type=click.IntRange(min=0), help="The last change that the LDIF held; once.")
@click.option("--authority", type=_FILE, help="PEM of the authority of its certificate.")
@click.option("--certificate", type=_FILE, help="PEM of our client certificate.")
@click.option("--key", type=_FILE, help="PEM of its key.")
@click.option("--once", is_flag=True, help="End when caught up.")
@click.pass_context
def follow_import(
    context: click.Context,
    url: str | None,
    log_file: Path | None,
    since: int | None,
    authority: Path | None,
    certificate: Path | None,
    key: Path | None,
    once: bool,
) -> None:
    """Take over the old directory's changes as they happen, until the cut-over."""
    if (url is None) == (log_file is None):
        raise click.UsageError("Say --from or --log-file.")
    if url and url.startswith("ldaps://") and authority is None:
        raise click.UsageError("With ldaps://, say --authority.")
    tls = ClientTls(authority, certificate, key) if authority else None
    with _sentences(), _database(context) as database:
        log: OldLog = OldLogFile(log_file) if log_file else _over_ldap(url or "", tls)
        following = FollowingOldDirectory(database, log, PresentEntries(), LdifFragments())
        _follow(following, since, once=once or log_file is not None)


def _over_ldap(url: str, tls: ClientTls | None) -> OldLogOverLdap:
    return OldLogOverLdap(lambda: open_session(url, tls), url)


def _follow(following: FollowingOldDirectory, since: int | None, once: bool) -> None:
    while True:
        try:
            followed = following.catch_up(_ACTOR, since)
        except MigrationEnded as ended:
            click.echo(f"Following has ended. {ended}")
            return
        except Unavailable as outage:
            if once:
                raise
            click.echo(str(outage), err=True)
            time.sleep(_PATIENCE_SECONDS)
            continue
        since = None
        if followed.changes:
            click.echo(f"Followed to change {followed.number} ({followed.changes} changes).")
        if once:
            return
        time.sleep(_EVERY_SECONDS)


@click.command("cut-over")
@click.confirmation_option(
    prompt="From now on this product is written to, and nothing more is taken over. Go on?"
)
@click.pass_context
def cut_over(context: click.Context) -> None:
    """End the migration: nothing more is taken over from the old directory. Cannot be undone."""
    with _sentences(), _database(context) as database:
        number = CuttingOver(database).run(_ACTOR)
    click.echo(
        f"Cut over; the last change that was taken over is {number if number is not None else 'none'}."
    )


COMMANDS = (import_directory, import_report, follow_import, cut_over)
