"""How fast changes reach the directory: the outbox carried by the worker's own lane.

Against two limits of the same run. slapd's own rate of writes, one after another, by OpenLDAP's library: a
published change is several, for each entry that it changes is written and logged. And how often the disk
can be waited for: what would limit publishing if each write were waited for by itself.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import ldap3
from sqlalchemy import select, update

from app.adapters.directory_publishing import DirectoryPublishing
from app.storage.database import Database
from app.storage.tables.outbox import outbox
from app.storage.tables.people import person
from app.worker import Lane
from bench.limits import bare_writes_per_second, disk_waits_per_second
from directory.connection import open_session
from directory.names import CHANGELOG, person_dn
from directory.slapd import Slapd

CHANGES_A_SECOND = 50


@dataclass(frozen=True)
class Announced:
    """Changes a second with all announced at once, and milliseconds of delay at fifty changes a second.

    The first includes the wait for the disk after the last of them.

    Attributes:
        writes_per_change: of entries and of the change log.
        bare_writes_per_second: of slapd alone.
        disk_waits_per_second: of the disk alone.
    """

    per_second: float
    writes_per_change: float
    bare_writes_per_second: float
    disk_waits_per_second: float
    delay_p50_ms: float
    delay_p99_ms: float

    @property
    def bare_to_published(self) -> float:
        """slapd's own rate of writes to that of publishing."""
        return self.bare_writes_per_second / (self.per_second * self.writes_per_change)

    def words(self) -> dict[str, str]:
        """As halves of sentences."""
        each_waited_for = self.disk_waits_per_second / (2 * self.writes_per_change)
        return {
            "publishing": f"{self.per_second:.0f} changes a second, with {self.writes_per_change:.1f} writes"
            f" each; at 50 a second, half within {self.delay_p50_ms:.0f} ms, 99% within"
            f" {self.delay_p99_ms:.0f} ms",
            "its limits": f"slapd alone {self.bare_writes_per_second:.0f} writes a second,"
            f" {self.bare_to_published:.1f} times as many; the disk {self.disk_waits_per_second:.0f} waits a"
            f" second, enough for {each_waited_for:.0f} changes if each write were waited for",
        }

    def figures(self) -> dict[str, float]:
        """By names that end in the unit."""
        return {
            "published_per_second": self.per_second,
            "published_writes_per_change": self.writes_per_change,
            "bare_writes_per_second": self.bare_writes_per_second,
            "disk_waits_per_second": self.disk_waits_per_second,
            "publishing_delay_p50_ms": self.delay_p50_ms,
            "publishing_delay_p99_ms": self.delay_p99_ms,
        }


def announce(
    database: Database, publishing: DirectoryPublishing, slapd: Slapd, uids: Sequence[str], seconds: float
) -> Announced:
    """Change people's names: half of them at once, then one after another for so many seconds."""
    lane = Lane(database, publishing, (), "bench")
    at_once, later = uids[: len(uids) // 2], uids[len(uids) // 2 :]
    _publish_all(lane)  # what making the nation has announced
    _change(database, at_once)
    logged = _last_number(slapd)
    begun = time.perf_counter()
    done = _publish_all(lane)
    took = time.perf_counter() - begun
    assert done == len(at_once), f"{done} of {len(at_once)} changes were published"
    writes = 2 * (_last_number(slapd) - logged) / done
    delays = statistics.quantiles(_delays(database, lane, later, seconds), n=100)
    bare = bare_writes_per_second(slapd.ldapi_url, [person_dn(uid) for uid in at_once])
    waits = disk_waits_per_second(slapd.folder, min(seconds, 2.0))
    return Announced(done / took, writes, bare, waits, delays[49], delays[98])


def _last_number(slapd: Slapd) -> int:
    with open_session(slapd.ldapi_url) as session:
        (base,) = session.search(CHANGELOG, scope=ldap3.BASE)
    return int(base.attributes["lastchangenumber"][0])


def _publish_all(lane: Lane) -> int:
    done = 0
    while some := lane.publish_some():
        done += some
    return done


def _delays(database: Database, lane: Lane, uids: Sequence[str], seconds: float) -> list[float]:
    """Milliseconds from each change's transaction to the one that notes it as published."""
    steady = uids[: int(seconds * CHANGES_A_SECOND)]
    with _at_work(lane):
        begun = time.perf_counter()
        for number, uid in enumerate(steady):
            _change(database, [uid])
            time.sleep(max(0.0, begun + (number + 1) / CHANGES_A_SECOND - time.perf_counter()))
        _wait_until_published(database)
    with database.read() as work:
        chosen = select(outbox.c.created_at, outbox.c.published_at).where(outbox.c.key.in_(steady))
        return [(end - start).total_seconds() * 1000 for start, end in work.connection.execute(chosen)]


@contextmanager
def _at_work(lane: Lane) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=lane.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _wait_until_published(database: Database) -> None:
    while True:
        with database.read() as work:
            if not work.outbox.progress().waiting:
                return
        time.sleep(0.05)


def _change(database: Database, uids: Sequence[str]) -> None:
    with database.change() as work:
        for uid in uids:
            renamed = update(person).where(person.c.uid == uid).values(family_name=f"Renamed {uid[3:9]}")
            work.connection.execute(renamed)
            work.outbox.add("directory.person", uid)
