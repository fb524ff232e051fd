"""``spine-ra health``: how each part of the service is. ``docs/runbook.md`` says what to do."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import click

from app.bootstrap.authority import certificate_authority
from app.bootstrap.database import open_database
from app.bootstrap.validation import RootListSays, issues_until, root_list_says
from app.clock import utc_now
from app.errors import SpineError
from app.settings import Settings, load
from app.storage.database import Database

_NOT_WELL = 1
# The worker looks for announcements ten times a second.
_CARRIED_WITHIN = timedelta(seconds=30)
_ANSWERS_WITHIN_SECONDS = 5.0
_ROOT_LIST_ENDS_SOON = timedelta(days=60)
_ISSUING_ENDS_SOON = timedelta(days=180)


@dataclass(frozen=True)
class Part:
    """One part of the service: whether it is well, and a sentence."""

    name: str
    is_well: bool
    sentence: str


@click.command()
@click.pass_context
def health(context: click.Context) -> None:
    """Say how each part is. Ends with 0 when all is well, else with 1."""
    settings = load(context.find_root().obj)
    database = open_database(settings)
    context.call_on_close(database.close)
    parts = list(_parts(settings, database))
    for part in parts:
        click.echo(f"{'✓' if part.is_well else '✗'} {part.name}: {part.sentence}")
    sys.exit(0 if all(part.is_well for part in parts) else _NOT_WELL)


def _parts(settings: Settings, database: Database) -> Iterator[Part]:
    yield _asked("certificate authority", certificate_authority(settings).health)
    yield _asked("directory", lambda: _connect(settings))
    yield _root_list(settings)
    yield _issuing(settings)
    for name, look in (
        ("announcements", _announcements),
        ("directory's content", _comparison),
        ("cards", _unfinished_cards),
    ):
        try:
            yield look(database)
        except SpineError as error:
            yield Part(name, False, str(error))


def _asked(name: str, ask: Callable[[], None]) -> Part:
    try:
        ask()
    except (SpineError, OSError) as error:
        return Part(name, False, str(error))
    return Part(name, True, "answers")


def _connect(settings: Settings) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_ANSWERS_WITHIN_SECONDS)
        probe.connect(str(settings.directory.ldapi_socket))


def _root_list(settings: Settings) -> Part:
    """Sign-in asks it whether the authority that issued the card was revoked."""
    again = "Hold the key ceremony again with the same file (spine-ra ca ceremony), or nobody can sign in"
    try:
        said = root_list_says(settings, utc_now())
    except (SpineError, OSError) as error:
        return Part("root's revocation list", False, f"{error}. {again}.")
    holds = f"holds until {said.ends:%d %B %Y}"
    if revoked := _revoked_authorities(said):
        sentence = f"revokes {revoked}: docs/revocation.md, After a CA was revoked; {holds}"
        return Part("root's revocation list", False, sentence)
    if said.ends - utc_now() < _ROOT_LIST_ENDS_SOON:
        return Part("root's revocation list", False, f"{holds}. {again} after that.")
    return Part("root's revocation list", True, holds)


def _issuing(settings: Settings) -> Part:
    """Whether each issuing CA lives long enough for certificates of full length."""
    name = "issuing authorities"
    try:
        moments = issues_until(settings)
    except (SpineError, OSError) as error:
        return Part(name, False, str(error))
    first = min(moments, key=lambda each: moments[each])
    holds = f"{first} can issue until {moments[first]:%d %B %Y}"
    if moments[first] - utc_now() < _ISSUING_ENDS_SOON:
        return Part(name, False, f"{holds}. Have another take over before: docs/revocation.md")
    return Part(name, True, holds)


def _revoked_authorities(said: RootListSays) -> str:
    found = {name: how for name, how in said.revoked.items() if how is not None}
    return ", ".join(f"{name} since {how.at:%d %B %Y %H:%M} UTC" for name, how in found.items())


def _announcements(database: Database) -> Part:
    """What the worker is to carry to the directory, the certificate authority and relying parties."""
    with database.read() as work:
        progress = work.outbox.progress()
    oldest = progress.oldest_created_at
    if oldest is None:
        return Part("announcements", True, "every one is carried")
    since = f"{progress.waiting:,} announcements wait, the oldest since {oldest:%d %B %Y %H:%M:%S} UTC"
    if progress.failing:
        return Part("announcements", False, f"{since}; {progress.failing:,} failed: {progress.last_error}")
    return Part("announcements", utc_now() - oldest < _CARRIED_WITHIN, f"{since}. Is the worker running?")


def _comparison(database: Database) -> Part:
    """What came of the last round of the worker's comparing."""
    with database.read() as work:
        found = work.comparisons.newest()
    if found is None:
        return Part("directory's content", True, "not compared with the database yet")
    said = f"compared with the database until {found.ended_at:%d %B %Y %H:%M} UTC, {found.mended:,} mended"
    if found.strangers:
        named = ", ".join(found.named)
        said += f"; {found.strangers:,} entries that nobody published: {named}. Delete them, or rebuild"
    return Part("directory's content", not found.strangers, said)


def _unfinished_cards(database: Database) -> Part:
    with database.read() as work:
        unfinished = len(work.issuances.open())
    waiting = (
        f"{unfinished} begun and not finished: the page Cards being issued lists them"
        if unfinished
        else "all finished"
    )
    return Part("cards", True, waiting)
