"""Reading a loaded database into the cache anew: all of it, none of its holes, and nothing is changed."""

from __future__ import annotations

import os

from directory import page_cache
from directory.page_cache import cache_in_single_pages

MEGABYTE = 1 << 20


def test_what_is_written_is_read_and_holes_are_not(tmp_path, monkeypatch):
    file = tmp_path / "data.mdb"
    with file.open("wb") as stream:
        stream.write(os.urandom(3 * MEGABYTE))
        stream.seek(64 * MEGABYTE)
        stream.write(b"page")
        stream.truncate(1 << 30)
        os.fsync(stream.fileno())
    pread, taken = os.pread, []
    monkeypatch.setattr(page_cache.os, "pread", lambda *given: taken.append(pread(*given)))
    before = os.stat(file)
    cache_in_single_pages(tmp_path)
    read = b"".join(taken)
    assert len(read) < 5 * MEGABYTE
    with file.open("rb") as stream:
        assert read[: 3 * MEGABYTE] == stream.read(3 * MEGABYTE)
    assert b"page" in read[3 * MEGABYTE :]
    after = os.stat(file)
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_a_file_that_is_one_hole_is_fine(tmp_path):
    with (tmp_path / "data.mdb").open("wb") as stream:
        stream.truncate(MEGABYTE)
    cache_in_single_pages(tmp_path)
