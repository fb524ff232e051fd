"""How a loaded database lies in the kernel's cache.

slapadd leaves its file there in pieces of up to 2 MB. ext4 has such pieces from Linux 6.16 on, and looks at
each of the 512 blocks of a piece whenever LMDB writes one page of it: a changed name then takes slapd three
times the CPU.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_AT_ONCE = 1 << 17
"""As much as Linux by default reads when it is told that something will be needed, and not more."""


def cache_in_single_pages(database: Path) -> None:
    """Read the database in that folder into the cache anew, page by page. It must be on the disk."""
    file = os.open(database / "data.mdb", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        # Without reading ahead, which makes larger pieces.
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
        pieces = list(_pieces(file))
        for begin, end in pieces:
            os.posix_fadvise(file, begin, end - begin, os.POSIX_FADV_WILLNEED)
        # Until all is there: slapd lets nobody ask while it opens a database, and must not wait then.
        for _, end in pieces:
            os.pread(file, 1, end - 1)
    finally:
        os.close(file)


def _pieces(file: int) -> Iterator[tuple[int, int]]:
    for begin, end in _written_parts(file):
        for position in range(begin, end, _AT_ONCE):
            yield position, min(position + _AT_ONCE, end)


def _written_parts(file: int) -> Iterator[tuple[int, int]]:
    """Where the file is not a hole: it is as long as the map, 32 GB."""
    end = 0
    with suppress(OSError):  # ENXIO: only a hole follows
        while True:
            begin = os.lseek(file, end, os.SEEK_DATA)
            end = os.lseek(file, begin, os.SEEK_HOLE)
            yield begin, end
