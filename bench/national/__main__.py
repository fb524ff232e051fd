"""Measure the directory at national size: ``python -m bench.national [--people N ...] [--plot FILE.svg]``.

``--people 20000`` ends within two minutes on a quiet machine; a million need 20 GB of disk. Several
sizes in one run show how cost grows. ``--only-publishing`` leaves out all that is not needed for that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.adapters.directory_publishing import DirectoryPublishing
from app.storage.database import Database
from bench import asking
from bench.asking import IN_FLIGHT, WAITING, Askers, Measured, Name
from bench.national.announcing import Announced, announce
from bench.national.filling import fill, load_national_roles
from bench.national.loading import Loaded, load
from bench.national.nation import NOW, Nation
from bench.national.plot import write_plot
from bench.national.questions import cases
from bench.report import tell
from directory.publishing import Publisher
from tests.support.slapd import TestDirectory, running_slapd

ASKED = [(kind, number) for number in (WAITING, *IN_FLIGHT) for kind in ("check", "cheapest", "person")]
ASKED += [(kind, number) for number in IN_FLIGHT for kind in ("naive", "look-up")]
ASKED += [("dated", WAITING)]
BYTES_PER_PERSON = 20_000
"""Of disk, at most at once: the nation, its LDIF, and two databases of the directory's."""
TARGETS = (
    "Targets: check within 1.1 of the cheapest, rebuild within 1.25 of slapadd, 300 changes a second, the"
    " client's own cost below 100 us a check."
)


@dataclass(frozen=True)
class Size:
    """Everything that was measured at one size. What was left out is None or empty."""

    nation: Nation
    fill_seconds: float
    loaded: Loaded | None
    asked: dict[Name, Measured]
    announced: Announced

    def words(self) -> dict[str, str]:
        """As halves of sentences."""
        return {
            "made and stored in": f"{self.fill_seconds:.0f} s",
            **(self.loaded.words() if self.loaded else {}),
            **asking.words(self.asked),
            **self.announced.words(),
        }

    def figures(self) -> dict[str, float]:
        """By names that end in the unit."""
        return {
            "people": self.nation.people,
            "organisations": self.nation.organisations,
            "systems": self.nation.systems,
            **(self.loaded.figures() if self.loaded else {}),
            **self.announced.figures(),
            **asking.figures(self.asked),
        }

    def ratios(self) -> dict[str, float]:
        """Against the peer or the target, which they must not exceed."""
        return {
            **({"rebuild_to_slapadd": self.loaded.ratio} if self.loaded else {}),
            "target_of_300_to_published": 300 / self.announced.per_second,
            "bare_to_published_writes": self.announced.bare_to_published,
            **(self._ratios_of_asking() if self.asked else {}),
        }

    def _ratios_of_asking(self) -> dict[str, float]:
        check, naive = (self.asked[kind, IN_FLIGHT[-1]] for kind in ("check", "naive"))
        return {
            "client_cpu_to_target_of_100_us": self.asked["check", WAITING].client_microseconds / 100,
            "naive_to_check_slapd_cpu": naive.server_microseconds / check.server_microseconds,
            **asking.ratios(self.asked),
        }


def measure(people: int, rounds: int, seconds: float, bars: Progress, *, only_publishing: bool) -> Size:
    """Make a nation of that size and measure everything about it, or publishing alone."""
    loaded, asked = None, dict[Name, Measured]()

    def phase(words: str, total: int | None = None) -> AbstractContextManager[Callable[[int], None]]:
        return _phase(bars, f"{people:,} people: {words}", total)

    with (
        tempfile.TemporaryDirectory(prefix="spine-") as folder,
        running_slapd(Path(folder)) as directory,
        closing(Database(f"sqlite:///{folder}/nation.db", clock=_running_clock())) as database,
        closing(Publisher(directory.slapd.ldapi_url, directory.slapd.publishing_lock)) as publisher,
    ):
        nation = Nation(people, load_national_roles(database))
        publishing = DirectoryPublishing(database, publisher)
        with phase("making", people) as done:
            begun = time.perf_counter()
            fill(database, nation, done)
            filled = time.perf_counter() - begun
        if only_publishing:
            with phase("rebuilding") as done:
                publishing.rebuild(directory.slapd, done)
        else:
            loaded = load(database, directory.slapd, publishing, Path(folder), _turns(people), phase)
            with phase("asking"):
                asked = _ask(directory, nation, rounds, seconds)
        with phase("publishing"):
            changed = [each.uid for each in islice(nation.everybody(), min(people // 5, 12_000))]
            steady = 10 * seconds * rounds
            announced = announce(database, publishing, directory.slapd, changed, steady)
    return Size(nation, filled, loaded, asked, announced)


def _turns(people: int) -> int:
    """How often slapadd and the rebuild are measured: seconds vary more than minutes."""
    return 3 if people <= 20_000 else 2 if people <= 100_000 else 1


def _running_clock() -> Callable[[], datetime]:
    """A clock that runs, from the day for which the nation was made."""
    begun = time.monotonic()
    return lambda: NOW + timedelta(seconds=time.monotonic() - begun)


def _ask(directory: TestDirectory, nation: Nation, rounds: int, seconds: float) -> dict[Name, Measured]:
    tls = directory.system(nation.asid(0))
    asked = cases(nation)
    with closing(Askers(directory.slapd.ldaps_url, tls, asked)) as askers:
        for kind in ("check", "look-up"):
            asking.warm(askers, kind, len(asked[kind]))
        return asking.measure(askers, directory.slapd.pid, ASKED, rounds, seconds)


@contextmanager
def _phase(bars: Progress, words: str, total: int | None) -> Iterator[Callable[[int], None]]:
    task, begun = bars.add_task(words, total=total), time.monotonic()
    yield lambda done: bars.update(task, completed=done)
    bars.update(task, total=1, completed=1)
    if not bars.console.is_terminal:  # where no bar is drawn
        bars.console.print(f"{words}: {time.monotonic() - begun:.0f} s")


def _require_room(people: int) -> None:
    folder = tempfile.gettempdir()
    free, needed = shutil.disk_usage(folder).free, people * BYTES_PER_PERSON
    if free < needed:
        sys.exit(
            f"{folder} has {free / 1e9:.1f} GB free; {people:,} people need {needed / 1e9:.0f}. Make room, or"
            " name another folder in TMPDIR."
        )


def report(sizes: list[Size], load_before: float) -> None:
    """Print each size in words and last one line of JSON, its names with the size where there are several."""
    print(f"Everything over TLS with a client certificate; every answer was right. {TARGETS}")
    after = os.getloadavg()[0]
    print(f"Load of the machine before {load_before:.1f}, after {after:.1f}, on {os.cpu_count()} cores.")
    words: dict[str, str] = {}
    figures: dict[str, float] = {"load_before": load_before}
    ratios: dict[str, float] = {}
    for size in sizes:
        prefix = f"{size.nation.people}_" if len(sizes) > 1 else ""
        spoken = f"{size.nation.people:,} people: " if len(sizes) > 1 else ""
        words |= {f"{spoken}{name}": said for name, said in size.words().items()}
        figures |= {f"{prefix}{name}": value for name, value in size.figures().items()}
        ratios |= {f"{prefix}{name}": value for name, value in size.ratios().items()}
    tell("national", words, figures, ratios)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[1_000_000], help="how many; several sizes")
    parser.add_argument("--plot", type=Path, help="also draw cost over size into this SVG file")
    parser.add_argument("--only-publishing", action="store_true", help="measure nothing else")
    chosen = parser.parse_args()
    if chosen.only_publishing and chosen.plot:
        parser.error("--plot needs what --only-publishing leaves out. Leave out one of them.")
    rounds, seconds = (20, 0.1) if max(chosen.people) <= 20_000 else (40, 0.125)
    _require_room(max(chosen.people))
    load_before = os.getloadavg()[0]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        sizes = [
            measure(people, rounds, seconds, bars, only_publishing=chosen.only_publishing)
            for people in chosen.people
        ]
    if chosen.plot:
        write_plot(chosen.plot, [size.figures() for size in sizes])
    report(sizes, load_before)


if __name__ == "__main__":
    main()
