"""Takes a file of organisations out of what it is packed in: ZIP (also a ZIP in a ZIP, as it is published)
or gzip.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from app.ra.importing import ImportNotPossible

LARGEST_UNPACKED = 4 * 1024**3
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_DATA = (".xml", ".json", ".ndjson", ".jsonl", ".csv")
_FULL = "full"
_BROKEN = (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, NotImplementedError, RuntimeError)


@contextmanager
def unpacked(name: str, content: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """The name and the content of the file itself; ``content`` must be able to seek.

    Raises:
        ImportNotPossible: what it is packed in is broken, locked, or holds no file or several; or it would
            become larger than ``LARGEST_UNPACKED``.
    """
    try:
        with _opened(name, content) as (inner, stream):
            yield inner, cast("BinaryIO", BufferedReader(_Limited(stream)))
    except _BROKEN as fault:
        raise ImportNotPossible(f"{name} cannot be unpacked: {fault}. Download the file again.") from fault


def is_packed(start: bytes) -> bool:
    """Whether a file that begins so is a ZIP or gzip file."""
    return start.startswith((_ZIP, _GZIP))


@contextmanager
def _opened(name: str, content: IO[bytes], depth: int = 0) -> Iterator[tuple[str, IO[bytes]]]:
    start = content.read(4)
    content.seek(0)
    if start.startswith(_GZIP):
        with gzip.open(content) as stream:
            yield name.removesuffix(".gz"), cast("IO[bytes]", stream)
    elif start == _ZIP and depth < 2:
        with zipfile.ZipFile(content) as archive:
            entry = _chosen(name, archive)
            with archive.open(entry) as packed, tempfile.TemporaryFile() as copy:
                if not entry.filename.casefold().endswith(".zip"):
                    yield PurePosixPath(entry.filename).name, packed
                    return
                shutil.copyfileobj(_Limited(packed), copy)
                copy.seek(0)
                with _opened(entry.filename, copy, depth + 1) as found:
                    yield found
    else:
        yield name, content


def _chosen(name: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file of data; of several, the one that is called full."""
    entries = [each for each in archive.infolist() if not each.is_dir()]
    for endings in (_DATA, (".zip",)):
        found = [each for each in entries if each.filename.casefold().endswith(endings)]
        if len(found) > 1:
            found = [each for each in found if _FULL in PurePosixPath(each.filename).name.casefold()] or found
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(each.filename for each in found[:5])
            raise ImportNotPossible(f"{name} holds {len(found)} files ({names}). Unpack it and choose one.")
    raise ImportNotPossible(f"{name} holds no XML, JSON or CSV file.")


class _Limited(RawIOBase):
    """Reads on until it has been too much, whatever the container says about sizes."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._left = LARGEST_UNPACKED

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a buffer of bytes
        found = self._content.read(len(buffer))
        self._left -= len(found)
        if self._left < 0:
            raise ImportNotPossible(
                "The file becomes larger than 4 GB when it is unpacked. Nothing was read."
            )
        buffer[: len(found)] = found
        return len(found)
