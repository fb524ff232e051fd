"""Rebuilding: the whole directory anew from the database, by bulk load beside the one that serves."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from directory import switching
from directory.bulk_loading import loading_into
from directory.changelog import empty_changelog
from directory.connection import Session, open_session
from directory.entries import Entry, Record, tree
from directory.errors import DirectoryRefused, DirectoryUnavailable, SlapdFailed
from directory.group_commit import clear_mark, read_torn
from directory.ldif import ldif
from directory.locking import locked
from directory.names import CHANGELOG, SUFFIX
from directory.node import read_node
from directory.page_cache import cache_in_single_pages
from directory.publishing import FOLLOWERS_FILE, Publisher
from directory.seeding import emptied
from directory.slapd import Slapd
from directory.unix_socket import answers

PROGRESS_EVERY = 1000
CONFIGURING_SECONDS = 60


def rebuild(slapd: Slapd, entries: Iterable[Entry], progress: Callable[[int], None] | None = None) -> int:
    """Load ``entries`` into a new database with slapadd, then serve that one.

    The old content is served until then, and publishing waits; then the change log tells followers to read
    anew. ``entries`` is read only after that wait has begun: a generator that opens its snapshot of the
    database when first asked misses nothing.

    Args:
        progress: called now and then with the number of records written so far.

    Returns:
        how many records the new database holds.

    Raises:
        SlapdFailed: slapadd refuses a record, or this is a replica. The directory that served goes on
            serving.
        SlapdAlreadyRunning: the disk failed under a slapd that is still running. Stop it first.
    """
    node = read_node(slapd.folder)
    if not node.is_provider:
        raise SlapdFailed(f"{slapd.folder} follows {node.provider}. Rebuild there.")
    slapd.prepare()
    with locked(slapd.publishing_lock, wait=True):
        _settle(slapd)
        database = slapd.new_database()
        # Replicas go by the state (contextCSN) that -w leaves, made by this node (-S).
        state = ("-w", "-S", str(node.server_id))
        try:
            with loading_into(slapd, SUFFIX, database, *state) as stream:
                written = _write_all(_counted(_all_records(entries), progress), stream)
            cache_in_single_pages(database)
        except BaseException:
            shutil.rmtree(database, ignore_errors=True)
            raise
        # Until the change log says so, which a crash may prevent: whoever writes next sees to it.
        slapd.publishing_lock.with_name(FOLLOWERS_FILE).touch()
        _switch(slapd, database)
        _renew_torn_changelog(slapd, state)
    _tell_followers(slapd)
    return written


def _renew_torn_changelog(slapd: Slapd, state: Sequence[str]) -> None:
    """After a power cut, an empty log that goes on above every number that may have been given out."""
    torn = read_torn(slapd.folder)
    if torn is None:
        return
    with slapd.kept_stopped():
        database = emptied(slapd.folder / "changelog")
        with loading_into(slapd, CHANGELOG, database, *state) as stream:
            stream.write(ldif(empty_changelog(torn.numbers_up_to)).encode())
        clear_mark(slapd.folder)


def _settle(slapd: Slapd) -> None:
    """Clear up what a killed rebuild left in a slapd that runs, and in the folder."""
    if not answers(slapd.socket_path):
        return
    with _configuring(slapd) as session:
        switching.settle(session, SUFFIX)


def _switch(slapd: Slapd, database: Path) -> None:
    """Serve ``database`` from now on, without an instant in between, and delete the one before."""
    before = slapd.current_database()
    if answers(slapd.socket_path):
        with _configuring(slapd) as session:
            switching.serve(session, SUFFIX, database)
    else:
        switching.note_in_use(database)
    shutil.rmtree(before, ignore_errors=True)


@contextlib.contextmanager
def _configuring(slapd: Slapd) -> Iterator[Session]:
    try:
        with open_session(slapd.ldapi_url, timeout=CONFIGURING_SECONDS) as session:
            yield session
    except (DirectoryUnavailable, DirectoryRefused) as fault:
        raise SlapdFailed(f"slapd did not change to the new database: {fault}") from fault


def _tell_followers(slapd: Slapd) -> None:
    publisher = Publisher(slapd.ldapi_url, slapd.publishing_lock)
    with contextlib.closing(publisher), contextlib.suppress(DirectoryUnavailable):
        publisher.tell_followers_to_read_anew()


def _all_records(entries: Iterable[Entry]) -> Iterator[Record]:
    yield from tree()
    yield from itertools.chain.from_iterable(entry.records() for entry in entries)


def _counted(records: Iterable[Record], progress: Callable[[int], None] | None) -> Iterator[Record]:
    for number, record in enumerate(records, start=1):
        yield record
        if progress is not None and number % PROGRESS_EVERY == 0:
            progress(number)


def _write_all(records: Iterator[Record], stream: IO[bytes]) -> int:
    count = 0
    for record in records:
        stream.write(ldif(record).encode())
        count += 1
    return count
