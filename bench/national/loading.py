"""How long the product's rebuild takes against slapadd of the same LDIF, and what the directory weighs."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from app.adapters.directory_entries import all_entries
from app.adapters.directory_publishing import DirectoryPublishing
from app.storage.database import Database
from directory.bulk_loading import loading_into
from directory.entries import tree
from directory.ldif import ldif
from directory.names import SUFFIX
from directory.slapd import Slapd

Done = Callable[[int], None]
Phase = Callable[[str], AbstractContextManager[Done]]
"""Begins what has that name: yields what is told how much is done."""


@dataclass(frozen=True)
class Loaded:
    """Sizes, and the seconds of each time. Of memory, ``private`` is slapd's own; the rest maps the file."""

    records: int
    rebuilds: Sequence[float]
    slapadds: Sequence[float]
    ldif_megabytes: float
    directory_megabytes: float
    memory_megabytes: float
    private_megabytes: float

    @property
    def ratio(self) -> float:
        """The rebuild against slapadd just before it: the median."""
        pairs = zip(self.rebuilds, self.slapadds, strict=True)
        return statistics.median(rebuild / alone for rebuild, alone in pairs)

    def words(self) -> dict[str, str]:
        """As halves of sentences."""
        rebuild, alone = statistics.median(self.rebuilds), statistics.median(self.slapadds)
        return {
            "rebuild": f"{rebuild:.1f} s for {self.records:,} entries; slapadd of the same"
            f" {self.ldif_megabytes:.0f} MB of LDIF {alone:.1f} s: ratio {self.ratio:.2f}"
            f" (in turns, {len(self.rebuilds)} of each)",
            "directory": f"{self.directory_megabytes:.0f} MB on disk; slapd {self.memory_megabytes:.0f} MB in"
            f" memory after the rebuild, {self.private_megabytes:.0f} MB its own",
        }

    def figures(self) -> dict[str, float]:
        """By names that end in the unit."""
        return {
            "entries": self.records,
            "rebuild_s": statistics.median(self.rebuilds),
            "slapadd_s": statistics.median(self.slapadds),
            "ldif_mb": self.ldif_megabytes,
            "directory_mb": self.directory_megabytes,
            "slapd_memory_mb": self.memory_megabytes,
            "slapd_private_mb": self.private_megabytes,
        }


def load(
    database: Database, slapd: Slapd, publishing: DirectoryPublishing, folder: Path, turns: int, phase: Phase
) -> Loaded:
    """slapadd of an LDIF first, then the rebuild, which serves at the end; so many times."""
    file = folder / "nation.ldif"
    with phase("writing LDIF") as done:
        _write_ldif(database, file, done)
    slapadds, rebuilds, records = [], [], 0
    for _ in range(turns):
        with phase("slapadd"):
            slapadds.append(_slapadd(slapd, file))
        with phase("rebuilding") as done:
            begun = time.perf_counter()
            records = publishing.rebuild(slapd, done)
            rebuilds.append(time.perf_counter() - begun)
    megabytes = file.stat().st_size / 1e6
    file.unlink()
    memory, private = _memory(slapd.pid)
    size = (slapd.current_database() / "data.mdb").stat().st_blocks * 512 / 1e6
    return Loaded(records, rebuilds, slapadds, megabytes, size, memory, private)


def _write_ldif(database: Database, file: Path, done: Done) -> None:
    with file.open("w", encoding="ascii", buffering=1 << 20) as stream, database.read() as work:
        stream.writelines(map(ldif, tree()))
        for number, entry in enumerate(all_entries(work), start=1):
            stream.writelines(map(ldif, entry.records()))
            if number % 1000 == 0:
                done(number)


def _slapadd(slapd: Slapd, file: Path) -> float:
    """Seconds of slapadd as the rebuild calls it, fed from a file."""
    database = slapd.new_database()
    begun = time.perf_counter()
    with file.open("rb") as ready, loading_into(slapd, SUFFIX, database, "-w", "-S", "1") as stream:
        shutil.copyfileobj(ready, stream, 1 << 20)
    took = time.perf_counter() - begun
    shutil.rmtree(database)
    return took


def _memory(pid: int) -> tuple[float, float]:
    """Megabytes of the process in memory, and of these its own."""
    sizes = dict.fromkeys(("Rss", "Anonymous"), 0.0)
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0]) / 1000
    return sizes["Rss"], sizes["Anonymous"]
