"""Published changes per second and how soon each is seen, against slapd's own rate of writes in the same run.

``python -m bench.publishing [--quick]`` starts a private slapd and a SQLite database of its own, announces
changes of people through the outbox, carries them with the worker's own lane, and prints figures in words
and, last, one line of JSON.

The bare rate is OpenLDAP's ldapmodify, which replaces one attribute of one entry after the other. A published
change is two such writes, for the change log is written ahead, and reading the person on both sides. Neither
waits for the disk at each write; publishing waits once, when nothing more is due.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import ldap3
from sqlalchemy import update

from app.adapters.directory_publishing import DirectoryPublishing
from app.domain.person import Person, PersonStatus
from app.domain.rbac import NationalRoles
from app.storage.database import Database
from app.storage.tables import metadata
from app.storage.tables.people import person as person_table
from app.worker import Lane
from bench.limits import bare_writes_per_second
from bench.report import cpu_seconds, tell
from directory.connection import open_session
from directory.names import person_dn
from directory.publishing import Publisher
from directory.slapd import Slapd
from tests.support.slapd import running_slapd

FIRST_UID = 555_000_000_000
CHANGES_A_SECOND = 50


class Site:
    """A database with people, a directory that is equal to it, and the lane between them."""

    def __init__(self, database: Database, slapd: Slapd, people: int) -> None:
        self.database, self.slapd = database, slapd
        self.uids = [f"{FIRST_UID + number}" for number in range(people)]
        self._publisher = Publisher(slapd.ldapi_url, slapd.publishing_lock)
        self._publishing = DirectoryPublishing(database, self._publisher)
        self.lane = Lane(database, self._publishing, (), "directory")
        self._turn = itertools.count()

    def fill(self) -> None:
        """Register the people and build the directory."""
        with self.database.change() as work:
            work.rbac.add(NationalRoles("bench", date(2020, 1, 1), {}, {}, {}, {}, {}), "", work.now)
            for uid in self.uids:
                names = ("Dr", "Amara", "", "Osei", "Dr A Osei", date(1980, 1, 1))
                contact = (f"{uid}@example.org", "07700900123")
                person = Person(uid, *names, *contact, PersonStatus.ACTIVE, work.now, "system:bench")
                work.people.add(person, b"photo", [], [])
        self._publishing.rebuild(self.slapd)

    def change(self, uid: str) -> str:
        """Change one person as the registration authority does; answers the new name."""
        name = f"Osei {next(self._turn)}"
        with self.database.change() as work:
            changed = update(person_table).where(person_table.c.uid == uid).values(family_name=name)
            work.connection.execute(changed)
            work.outbox.add("directory.person", uid)
        return name

    def close(self) -> None:
        """Close the publisher's connection."""
        self._publisher.close()


def sustained_rate(site: Site) -> float:
    """Changes a second at which the lane carries what has piled up: one of every person."""
    while site.lane.publish_some():  # what the round before left
        pass
    for uid in site.uids:
        site.change(uid)
    begun = time.perf_counter()
    carried = 0
    while some := site.lane.publish_some():
        carried += some
    assert carried == len(site.uids)
    return carried / (time.perf_counter() - begun)


def delays(site: Site, seconds: float) -> list[float]:
    """From commit to being seen, of changes that come at ``CHANGES_A_SECOND`` while the lane runs."""
    found = []
    with running(site.lane), open_session(site.slapd.ldapi_url) as session:
        begun = time.perf_counter()
        for number in range(int(seconds * CHANGES_A_SECOND)):
            time.sleep(max(0.0, begun + number / CHANGES_A_SECOND - time.perf_counter()))
            uid = site.uids[number % len(site.uids)]
            name = site.change(uid)
            committed = time.perf_counter()
            if number % CHANGES_A_SECOND == 0:
                while session.search(person_dn(uid), scope=ldap3.BASE)[0].attributes["sn"] != (name,):
                    time.sleep(0.002)
                found.append(time.perf_counter() - committed)
    return found


@contextmanager
def running(lane: Lane) -> Iterator[None]:
    """The lane at work in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=lane.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def measure(site: Site, rounds: int, seconds: float) -> None:
    """Measure in turns and report."""
    bare, sustained, waited = [], [], []
    everybody = [person_dn(uid) for uid in site.uids]
    for _ in range(rounds):
        bare.append(bare_writes_per_second(site.slapd.ldapi_url, everybody))
        cpu = cpu_seconds([site.slapd.pid])
        sustained.append(sustained_rate(site))
        cpu = cpu_seconds([site.slapd.pid]) - cpu
        waited += delays(site, seconds)
    rate, limit = statistics.median(sustained), statistics.median(bare)
    words = {
        "published": f"{rate:.0f} changes a second, {cpu / len(site.uids) * 1e6:.0f} us of slapd's CPU each",
        "slapd alone": f"{limit:.0f} writes a second on one connection",
        f"delay at {CHANGES_A_SECOND} changes a second": (
            f"median {statistics.median(waited) * 1000:.0f} ms, longest {max(waited) * 1000:.0f} ms"
        ),
    }
    figures = {
        "published_per_second": rate,
        "bare_writes_per_second": limit,
        "delay_median_ms": statistics.median(waited) * 1000,
        "delay_longest_ms": max(waited) * 1000,
    }
    tell("publishing", words, figures, {"published_to_bare_writes": rate / limit})


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="end within a minute")
    people, rounds, seconds = (200, 2, 2.0) if parser.parse_args().quick else (2000, 5, 5.0)
    with tempfile.TemporaryDirectory(prefix="spine-") as folder, running_slapd(Path(folder)) as directory:
        database = Database(f"sqlite:///{folder}/spine.db")
        metadata.create_all(database.engine)
        with closing(database), closing(Site(database, directory.slapd, people)) as site:
            site.fill()
            measure(site, rounds, seconds)


if __name__ == "__main__":
    main()
