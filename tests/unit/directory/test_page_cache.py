"""Having a loaded database read into the cache anew: all of it, none of its holes, and nothing is changed."""

from __future__ import annotations

import os

from directory import page_cache
from directory.page_cache import cache_in_single_pages

MEGABYTE, PAGE = 1 << 20, 4096


def test_what_is_written_is_asked_for_and_holes_are_not(tmp_path, monkeypatch):
    file = tmp_path / "data.mdb"
    with file.open("wb") as stream:
        stream.write(os.urandom(3 * MEGABYTE))
        stream.seek(64 * MEGABYTE)
        stream.write(b"page")
        stream.truncate(1 << 30)
        os.fsync(stream.fileno())
    advise, told = os.posix_fadvise, []
    monkeypatch.setattr(page_cache.os, "posix_fadvise", lambda *to: (told.append(to), advise(*to)))
    before = os.stat(file)
    cache_in_single_pages(tmp_path)
    assert told[0][1:] == (0, 0, os.POSIX_FADV_DONTNEED)
    needed = [(begin, length) for _, begin, length, advice in told if advice == os.POSIX_FADV_WILLNEED]
    asked = {at for begin, length in needed for at in range(begin, begin + length, PAGE)}
    assert asked >= set(range(0, 3 * MEGABYTE, PAGE)) | {64 * MEGABYTE}
    assert len(asked) * PAGE < 5 * MEGABYTE
    after = os.stat(file)
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_a_file_that_is_one_hole_is_fine(tmp_path):
    with (tmp_path / "data.mdb").open("wb") as stream:
        stream.truncate(MEGABYTE)
    cache_in_single_pages(tmp_path)
