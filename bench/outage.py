"""slapd is down under load; on the way back worker, slapd and database are ended too. Is anything lost?

``python -m bench.outage [--changes 20000] [--quick]`` fills a database (PostgreSQL, or SQLite where there is
none), makes its directory, and starts a worker. Then slapd is killed and that many changes of names are
made, each in a transaction of its own. slapd is started, and while 50 more changes come each second the
worker is killed, slapd is killed while it writes, and PostgreSQL is ended as by a crash and started again.

In the end the directory is compared with the database, entry by entry, and the change log read from its
beginning: no number missing, and no name of a person older than the one before. Whatever is found ends the
bench with an error. The figure is how fast it catches up, against 50 changes a second.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.adapters.directory_publishing import DirectoryPublishing
from app.errors import Unavailable
from app.storage.database import Database
from app.storage.outbox import OutboxProgress
from app.storage.tables import metadata
from app.worker import Lane, Worker
from bench.publishing import CHANGES_A_SECOND, Site
from bench.report import tell
from directory.connection import open_session
from directory.publishing import Publisher
from directory.slapd import Slapd
from tests.support.databases import Cluster, postgresql_programs
from tests.support.replicas import kill
from tests.support.slapd import running_slapd

LOG = "cn=Changelog,o=nhs"
_NAME = re.compile(r"^sn: Osei (\d+)$", re.MULTILINE)
_LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True)
class CaughtUp:
    """What was seen.

    Attributes:
        noticed: what was told of the outage: how many waited, and the error.
        seconds: from slapd's start to the moment when nothing more waited.
        steps: what was ended meanwhile, and how many changes waited at that moment.
        carried: changes that were published in those seconds.
        differences: entries in which directory and database differ in the end.
        out_of_order: changes in the change log that bring an older name than one before.
        missing_numbers: holes in the change log.
    """

    noticed: OutboxProgress
    queued_seconds: float
    seconds: float
    steps: tuple[tuple[str, int], ...]
    carried: int
    differences: int
    out_of_order: int
    missing_numbers: int


class Outage:
    """A database, its directory and a worker, which are ended one after the other."""

    def __init__(self, site: Site, slapd: Slapd, cluster: Cluster | None) -> None:
        self._site, self._slapd, self._cluster = site, slapd, cluster
        self._worker = self._new_worker()
        self._steps: list[tuple[str, int]] = []
        self._changed = 0

    def run(self, changes: int) -> CaughtUp:
        """Go through all of it; returns what was seen."""
        kill(self._slapd)
        begun = time.perf_counter()
        for _, uid in zip(range(changes), itertools.cycle(self._site.uids), strict=False):
            self._change(uid)
        queued = time.perf_counter() - begun
        noticed = self._until(lambda seen: seen.failing > 0)
        self._slapd.start()
        begun = time.perf_counter()
        with self._changes_going_on():
            self._end_everything(noticed.waiting)
        self._until(lambda seen: seen.waiting == 0)
        seconds = time.perf_counter() - begun
        self._worker.kill()
        self._worker.join()
        return CaughtUp(noticed, queued, seconds, tuple(self._steps), self._changed, *self._judged())

    def _end_everything(self, waiting: int) -> None:
        """The worker, slapd and the database, when three quarters, a half and a quarter still wait."""
        ends = [("worker killed", self._end_worker), ("slapd killed while it wrote", self._end_slapd)]
        if self._cluster is not None:
            ends.append(("PostgreSQL ended as by a crash", self._cluster.restart))
        for part, (what, end) in zip((0.75, 0.5, 0.25), ends, strict=False):
            seen = self._until(lambda seen, part=part: seen.waiting < waiting * part)  # type: ignore[misc]
            self._steps.append((what, seen.waiting))
            end()

    def _end_worker(self) -> None:
        self._worker.kill()
        self._worker.join()
        self._worker = self._new_worker()

    def _end_slapd(self) -> None:
        kill(self._slapd)
        self._slapd.start()

    def _new_worker(self) -> multiprocessing.process.BaseProcess:
        url = self._site.database.engine.url.render_as_string(hide_password=False)
        place = (self._slapd.ldapi_url, str(self._slapd.publishing_lock))
        worker = multiprocessing.get_context("spawn").Process(target=_work, args=(url, *place))
        worker.start()
        return worker

    @contextmanager
    def _changes_going_on(self) -> Iterator[None]:
        stop = threading.Event()

        def change() -> None:
            for uid in itertools.cycle(self._site.uids):
                if stop.wait(1 / CHANGES_A_SECOND):
                    break
                self._change(uid)

        changing = threading.Thread(target=change)
        changing.start()
        try:
            yield
        finally:
            stop.set()
            changing.join()

    def _change(self, uid: str) -> None:
        """Change one person's name; again while the database is down."""
        while True:
            with contextlib.suppress(Unavailable):
                self._site.change(uid)
                self._changed += 1
                return
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _until(self, holds: Callable[[OutboxProgress], bool]) -> OutboxProgress:
        """What the database tells of publishing, once this is so."""
        while True:
            with contextlib.suppress(Unavailable), self._site.database.read() as work:
                seen = work.outbox.progress("directory.")
                if holds(seen):
                    return seen
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _judged(self) -> tuple[int, int, int]:
        with closing(Publisher(self._slapd.ldapi_url, self._slapd.publishing_lock)) as publisher:
            publishing = DirectoryPublishing(self._site.database, publisher)
            differences = sum(1 for _ in publishing.compare(self._slapd.ldapi_url))
        return differences, *_judged_log(self._slapd)


def _judged_log(slapd: Slapd) -> tuple[int, int]:
    """How many changes bring an older name than one before, and how many numbers are missing."""
    with open_session(slapd.ldapi_url) as session:
        base = session.search(LOG, scope="BASE")[0].attributes
        records = [each.attributes for each in session.search(LOG, "(objectClass=changeLogEntry)")]
    records.sort(key=lambda record: int(record["changenumber"][0]))
    first, last = (int(base[name][0]) for name in ("firstchangenumber", "lastchangenumber"))
    newest: dict[str, int] = {}
    older = 0
    for record in records:
        found = _NAME.search(record["changes"][0]) if "changes" in record else None
        if found:
            dn, number = record["targetDN"][0], int(found[1])
            older += number < newest.get(dn, 0)
            newest[dn] = number
    there = {int(record["changenumber"][0]) for record in records}
    # What is logged beyond the last number is not shown yet (docs/directory.md).
    return older, len(set(range(first, last + 1)) - there)


def _work(url: str, ldapi_url: str, lock: str) -> None:
    """A worker, until it is killed."""
    database = Database(url)
    with closing(Publisher(ldapi_url, Path(lock))) as publisher:
        lane = Lane(database, DirectoryPublishing(database, publisher), (), "directory")
        Worker(lane).run(threading.Event())


@contextmanager
def some_database(folder: Path) -> Iterator[tuple[Database, Cluster | None]]:
    """An empty database with all tables, of a PostgreSQL of its own where one is installed."""
    programs, place = postgresql_programs(), folder / "postgresql"
    place.mkdir()
    cluster = Cluster(programs, place) if programs else None
    if cluster:
        folder.chmod(0o755)
        cluster.start()
    url = cluster.url("postgres") if cluster else f"sqlite:///{folder}/spine.db"
    try:
        with closing(Database(url)) as database:
            metadata.create_all(database.engine)
            yield database, cluster
    finally:
        if cluster:
            cluster.stop()


def run(folder: Path, changes: int, people: int) -> CaughtUp:
    """Go through an outage in which ``changes`` pile up; everything of it lies in the folder."""
    with (
        some_database(folder) as (database, cluster),
        running_slapd(folder) as directory,
        closing(Site(database, directory.slapd, people)) as site,
    ):
        site.fill()
        return Outage(site, directory.slapd, cluster).run(changes)


def report(seen: CaughtUp, changes: int) -> None:
    """Tell it in words, figures and ratios."""
    per_second = seen.carried / seen.seconds
    words = {
        "slapd down": f"{changes:,} changes piled up in {seen.queued_seconds:.0f} s",
        "told meanwhile": f"{seen.noticed.waiting:,} waiting; {(seen.noticed.last_error or '')[:90]}",
        "on the way back": "; ".join(f"{what} with {waiting:,} waiting" for what, waiting in seen.steps),
        "caught up": f"{seen.carried:,} changes in {seen.seconds:.0f} s, {per_second:.0f} a second",
        "in the end": f"{seen.differences} differences, {seen.out_of_order} changes out of order,"
        f" {seen.missing_numbers} numbers missing in the change log",
    }
    figures = {
        "changes": float(seen.carried),
        "catch_up_s": seen.seconds,
        "caught_up_per_second": per_second,
        "differences": float(seen.differences),
        "out_of_order": float(seen.out_of_order),
        "missing_numbers": float(seen.missing_numbers),
    }
    tell("outage", words, figures, {"changes_coming_to_caught_up": CHANGES_A_SECOND / per_second})


def main() -> None:
    """Measure and report; end with an error when anything was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--changes", type=int, default=20_000, help="that pile up  [20000]")
    parser.add_argument("--quick", action="store_true", help="1,000 changes; end within a minute")
    given = parser.parse_args()
    changes = 1_000 if given.quick else given.changes
    with tempfile.TemporaryDirectory(prefix="spine-") as folder:
        seen = run(Path(folder), changes, people=max(100, changes // 2))
    report(seen, changes)
    if seen.differences or seen.out_of_order or seen.missing_numbers:
        raise SystemExit("Something was lost, or out of order.")


if __name__ == "__main__":
    main()
