"""Group commit: many changes wait for the disk once, together.

LMDB waits for the disk twice at each commit, and slapd commits each change by itself: on a disk that takes a
millisecond and a half that is 300 writes a second. So slapd commits without waiting on the server that takes
changes (``nosync``, lmdb.h), and the publisher waits when nothing more is to be published, or every
``LONGEST_DEBT`` seconds: by fdatasync(2) of the two databases' files, which holds for a file whoever has
written it. A page that many changes touch is then on its way to the disk once.

A killed process loses nothing by that: what was committed is in the kernel's hands. A **power cut** in
between may leave a file in which pages are missing that others point to, and may forget numbers of the change
log that followers have seen. Therefore a *mark* is on the disk before the first of the changes, with the
kernel's boot and the log's last number, and is emptied after the wait. The mark of an earlier boot means that
power was cut before the wait ended: slapd does not start on that database. It is built anew from the system
of record, and the change log goes on above every number that may have been given out.

slapd writes into the map of the file (``writemap``), which spares it the copying of each page and half of its
CPU. Where the kernel finds no block for a page, on a full disk, it ends the process that writes (SIGBUS)
instead of refusing. Therefore nothing is written any more while ``ROOM`` is not free.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from directory.errors import DirectoryUnavailable, SlapdFailed

NUMBERS_AT_MOST = 1_000_000
"""More numbers of the change log than are given out between a mark and the wait that ends it."""

LONGEST_DEBT = 20.0
"""Seconds of writing after which the disk is waited for, whatever is still to be published."""

ROOM = 256 << 20
"""Bytes that must be free on the disk. A change takes two million at most; others use the disk, too."""

_MARK = "not-on-disk-yet"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_DISK_FAILED = "the-disk-failed"
"""Stands for the boot: after a fdatasync that failed, the kernel takes for written what is not (fsync(2))."""


@dataclass(frozen=True)
class Torn:
    """What was being written when power was cut, or when the disk failed.

    Attributes:
        numbers_up_to: no number of the change log above this one was ever given out.
    """

    numbers_up_to: int


class GroupCommit:
    """The changes of one publisher between two waits for the disk.

    Args:
        folder: of the slapd that takes changes; may be a link that leads to another one later.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = ExitStack()
        self._open: list[int] = []
        self._last_number = 0
        self._owing_since: float | None = None

    def go_on(self, last_number: int) -> None:
        """Begin at once when what somebody wrote who died is not on the disk yet: it may need no writing.

        Args:
            last_number: the last number of the change log.

        Raises:
            DirectoryUnavailable: as ``begin``.
        """
        self._last_number = last_number
        if _read_mark(self._folder)[0]:
            self.begin()

    def begin(self) -> None:
        """Put the mark on the disk, before the first change. Call it before each: it looks for room, too.

        Raises:
            DirectoryUnavailable: it cannot be put there, the disk is full, or an earlier wait has failed.
        """
        try:
            _require_room(self._folder)
            if not self._open:
                self._mark()
                # fdatasync tells of faults since then, and of those before that nobody was told of.
                self._open = [self._opened(file) for file in _database_files(self._folder)]
        except OSError as fault:
            self.close()
            raise DirectoryUnavailable(f"The directory's folder cannot be written: {fault}") from fault

    def _mark(self) -> None:
        if read_torn(self._folder) is not None:
            raise DirectoryUnavailable(_must_be_built_anew(self._folder))
        if not _read_mark(self._folder)[0]:
            _write_mark(self._folder, _boot(), self._last_number)
            self._owing_since = self._owing_since or time.monotonic()
        elif self._owing_since is None:
            self._owing_since = 0.0  # somebody died who may have owed it for long

    def wait_at_leisure(self) -> None:
        """As ``wait``, but once in ``LONGEST_DEBT`` seconds; what is not waited for now, is owed.

        Raises:
            DirectoryUnavailable: as ``wait``.
        """
        if self._owing_since is not None and time.monotonic() > self._owing_since + LONGEST_DEBT:
            self.wait()

    @property
    def owes(self) -> bool:
        """Whether something was written since the last wait."""
        return self._owing_since is not None

    def pay(self) -> None:
        """Wait for what is owed.

        Raises:
            DirectoryUnavailable: as ``begin`` and ``wait``.
        """
        if self.owes:
            self.begin()
            self.wait()

    def wait(self) -> None:
        """Wait until everything since ``begin`` is on the disk. Without one there is nothing to wait for.

        Raises:
            DirectoryUnavailable: the disk failed. What was written may be lost with the machine's power.
        """
        if not self._open:
            return
        try:
            for file in self._open:
                wait_until_written(file)
            clear_mark(self._folder)
            self._owing_since = None
        except OSError as fault:
            with suppress(OSError):
                _write_mark(self._folder, _DISK_FAILED, self._last_number)
            raise DirectoryUnavailable(f"The directory's disk failed: {fault}") from fault
        finally:
            self.close()

    def close(self) -> None:
        """Close the files. What was not waited for, the next ``wait`` waits for."""
        self._open = []
        self._files.close()

    def _opened(self, path: Path) -> int:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._files.callback(os.close, file)
        return file


def _require_room(folder: Path) -> None:
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < ROOM:
        raise DirectoryUnavailable(
            f"Only {free >> 20} MB are free on the disk of the directory in {folder}. Free {ROOM >> 20} MB:"
            " nothing is lost, and publishing goes on by itself."
        )


def _database_files(folder: Path) -> tuple[Path, Path]:
    return folder / "changelog" / "data.mdb", folder / "current" / "data.mdb"


wait_until_written: Callable[[int], None] = os.fdatasync
"""Waits until what was written to a file is on the disk, whoever wrote it."""


def wait_for_disk(database: Path) -> None:
    """Wait until the database in that folder is on the disk: slapadd -q does not."""
    with ExitStack() as files:
        for path in (database / "data.mdb", database):
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            files.callback(os.close, file)
            os.fsync(file)


def read_torn(folder: Path) -> Torn | None:
    """What a power cut, or a disk that failed, has left in the folder of a slapd; None when nothing."""
    boot, last_number = _read_mark(folder)
    return Torn(last_number + NUMBERS_AT_MOST) if boot not in ("", _boot()) else None


def require_whole(folder: Path) -> None:
    """Raise SlapdFailed when the databases in the folder may be torn."""
    if read_torn(folder) is not None:
        raise SlapdFailed(_must_be_built_anew(folder))


def clear_mark(folder: Path) -> None:
    """Note that everything is on the disk. That this note is there too, nothing depends on."""
    with suppress(FileNotFoundError):
        os.truncate(folder / _MARK, 0)


def _must_be_built_anew(folder: Path) -> str:
    return (
        f"The machine stopped, or its disk failed, while changes of the directory in {folder} were being"
        " written. Stop the directory and build it anew from the database: spine-ra directory rebuild"
    )


def _boot() -> str:
    return _BOOT.read_text(encoding="ascii").strip()


def _read_mark(folder: Path) -> tuple[str, int]:
    """The boot and the last number; an empty boot when everything is on the disk."""
    try:
        boot, _, last_number = (folder / _MARK).read_text(encoding="ascii").partition(" ")
    except FileNotFoundError:
        boot = ""
    return (boot, int(last_number)) if boot else ("", 0)


def _write_mark(folder: Path, boot: str, last_number: int) -> None:
    is_new = not (folder / _MARK).exists()
    _write_through(folder / _MARK, f"{boot} {last_number}")
    if is_new:
        _sync_folder(folder)


def _write_through(path: Path, text: str) -> None:
    with path.open("w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        wait_until_written(stream.fileno())


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
