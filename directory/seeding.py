"""Seeding: a replica's content by bulk load of a snapshot, instead of entry by entry over the wire.

Syncing 2.5 million entries takes a quarter of an hour and more, loading them some minutes. The snapshot keeps
the provider's entryUUID, entryCSN and state, so that the replica asks only for what came after it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from directory.bulk_loading import loading_into
from directory.configuration import REPLICATED
from directory.errors import SlapdFailed
from directory.group_commit import clear_mark
from directory.node import has_been_seeded
from directory.page_cache import cache_in_single_pages
from directory.slapd import Slapd
from directory.switching import note_in_use

SLAPCAT = "/usr/sbin/slapcat"


def take_snapshot(provider: Slapd, folder: Path) -> None:
    """Write what the provider holds into a new ``folder``. It may go on serving and changing.

    Raises:
        SlapdFailed: slapcat cannot read the databases.
    """
    folder.mkdir(mode=0o700)
    for place, suffix in enumerate(REPLICATED):
        _dump(provider, suffix, _file(folder, place))


def _file(snapshot: Path, place: int) -> Path:
    return snapshot / f"database-{place + 1}.ldif"


def _dump(provider: Slapd, suffix: str, target: Path) -> None:
    with target.open("wb") as stream:
        done = subprocess.run(  # noqa: S603 - our own command
            [SLAPCAT, "-b", suffix, "-F", str(provider.folder / "slapd.d")],
            stdout=stream,
            stderr=subprocess.PIPE,
            check=False,
            **provider.account.process_options(),
        )
    if done.returncode != 0:
        raise SlapdFailed(f"No snapshot of {provider.folder}: {done.stderr.decode(errors='replace')[-800:]}")


def seed(replica: Slapd, snapshot: Path) -> None:
    """Make a snapshot the whole content of a replica that is stopped. What it held before is deleted.

    Raises:
        SlapdAlreadyRunning: it is not stopped.
        SlapdFailed: slapadd refuses the snapshot; the replica is empty or as it was, so seed it again.
    """
    replica.prepare()
    with replica.kept_stopped():
        content = replica.new_database()
        changelog = emptied(replica.folder / "changelog")
        for place, database in enumerate((content, changelog)):
            _load(replica, REPLICATED[place], database, _file(snapshot, place))
        before = replica.current_database()
        note_in_use(content)
        shutil.rmtree(before, ignore_errors=True)
        has_been_seeded(replica.folder)
        clear_mark(replica.folder)


def emptied(database: Path) -> Path:
    """The folder of a database that is not served, with nothing in it."""
    for left in database.iterdir():
        left.unlink()
    return database


def _load(replica: Slapd, suffix: str, database: Path, snapshot: Path) -> None:
    with loading_into(replica, suffix, database) as stream, snapshot.open("rb") as entries:
        shutil.copyfileobj(entries, stream, 1 << 20)
    cache_in_single_pages(database)


def seed_from(provider: Slapd, replica: Slapd) -> None:
    """Seed a stopped replica from a provider on the same machine."""
    replica.prepare()
    snapshot = replica.folder / "snapshot"
    shutil.rmtree(snapshot, ignore_errors=True)
    try:
        take_snapshot(provider, snapshot)
        seed(replica, snapshot)
    finally:
        shutil.rmtree(snapshot, ignore_errors=True)
