"""Bulk loading into a database that nobody serves yet, with slapadd."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from directory.configuration import SlapdFiles
from directory.errors import SlapdFailed
from directory.group_commit import wait_for_disk
from directory.names import CHANGELOG
from directory.slapd import SLAPADD, Slapd

_PIPE_BYTES = 1 << 20
"""The most that Linux lets anybody have (/proc/sys/fs/pipe-max-size)."""
_WRITTEN_AT_ONCE = 1 << 17


@contextlib.contextmanager
def loading_into(slapd: Slapd, suffix: str, database: Path, *options: str) -> Iterator[IO[bytes]]:
    """Yield a stream that takes LDIF. At the end everything is on the disk.

    Args:
        suffix: of the tree or of the change log.
        database: an empty folder of ``slapd``'s.
        options: of slapadd.

    Raises:
        SlapdFailed: slapadd refuses an entry.
    """
    configuration = slapd.folder / "slapd.d.loading"
    files = SlapdFiles(database, configuration)
    if suffix == CHANGELOG:
        files = SlapdFiles(slapd.current_database(), configuration, changelog=database)
    slapd.write_configuration(configuration, files)
    command = [SLAPADD, "-q", "-b", suffix, "-F", str(configuration), *options]
    try:
        with tempfile.TemporaryFile() as said, _slapadd(slapd, command, said) as stream:
            yield stream
        wait_for_disk(database)
    finally:
        shutil.rmtree(configuration, ignore_errors=True)


@contextlib.contextmanager
def _slapadd(slapd: Slapd, command: list[str], said: IO[bytes]) -> Iterator[IO[bytes]]:
    """The standard input of a slapadd. -q skips what only matters for a database that others are using."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        bufsize=_WRITTEN_AT_ONCE,
        # So much that slapadd goes on while the next people are read from the database.
        pipesize=_PIPE_BYTES,
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
