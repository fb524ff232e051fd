"""Rebuilding: the whole directory anew from the database, by bulk load beside the one that serves."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from directory.configuration import SlapdFiles
from directory.entries import Entry, Record, tree
from directory.errors import DirectoryUnavailable, SlapdFailed
from directory.ldif import ldif
from directory.locking import locked
from directory.names import SUFFIX
from directory.publishing import FOLLOWERS_FILE, Publisher
from directory.slapd import SLAPADD, Slapd

PROGRESS_EVERY = 1000


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
        SlapdFailed: slapadd refuses a record. The directory that served goes on serving.
    """
    slapd.prepare()
    with locked(slapd.publishing_lock, wait=True):
        database = slapd.new_database()
        try:
            written = _load(slapd, database, _counted(_all_records(entries), progress))
        except BaseException:
            shutil.rmtree(database, ignore_errors=True)
            raise
        # Until the change log says so, which a crash may prevent: whoever writes next sees to it.
        slapd.publishing_lock.with_name(FOLLOWERS_FILE).touch()
        slapd.switch_database(database)
    _tell_followers(slapd)
    return written


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


def _load(slapd: Slapd, database: Path, records: Iterator[Record]) -> int:
    configuration = slapd.folder / "slapd.d.rebuilding"
    slapd.write_configuration(configuration, SlapdFiles(database, run=configuration))
    try:
        with tempfile.TemporaryFile() as said, _slapadd(slapd, configuration, said) as stream:
            return _write_all(records, stream)
    finally:
        shutil.rmtree(configuration, ignore_errors=True)


@contextlib.contextmanager
def _slapadd(slapd: Slapd, configuration: Path, said: IO[bytes]) -> Iterator[IO[bytes]]:
    """The standard input of a slapadd. -q skips what only matters for a database that others are using."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [SLAPADD, "-q", "-b", SUFFIX, "-F", str(configuration)],
        stdin=subprocess.PIPE,
        stdout=said,
        stderr=said,
        **slapd.account.process_options(),
    )
    assert process.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            yield process.stdin
    finally:
        status = process.wait()
    if status != 0:
        said.seek(0)
        raise SlapdFailed(f"slapadd refuses a record: {said.read().decode(errors='replace').strip()[-800:]}")


def _write_all(records: Iterator[Record], stream: IO[bytes]) -> int:
    count = 0
    for record in records:
        stream.write(ldif(record).encode())
        count += 1
    return count
