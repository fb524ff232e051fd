"""Parts are taken away under load: nothing is lost or goes back in time, and it catches up by itself."""

from __future__ import annotations

import contextlib
import errno
import itertools
import multiprocessing
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from app.adapters.directory_publishing import DirectoryPublishing
from app.domain.person import Person, PersonStatus
from app.domain.rbac import NationalRoles
from app.errors import Unavailable
from app.storage.database import Database
from app.storage.tables.people import person as person_table
from app.worker import Lane, Worker
from bench import outage
from directory.connection import open_session
from directory.errors import DirectoryError, SlapdFailed
from directory.publishing import Publisher

UIDS = [f"{number}" for number in range(555000000000, 555000000008)]
MANY = [f"{number}" for number in range(555000000000, 555000000150)]
LOG = "cn=Changelog,o=nhs"
DEADLINE_SECONDS = 120


class Registry:
    """People whose names are counted up, each change announced."""

    def __init__(self, database: Database, uids: list[str] = UIDS) -> None:
        self.database = database
        self.uids = uids
        self.changes = 0
        with database.change() as work:
            work.rbac.add(NationalRoles("test", work.now.date(), {}, {}, {}, {}, {}), "digest", work.now)
            for uid in uids:
                work.people.add(somebody(uid, work.now), b"photo", [], [])
                work.outbox.add("directory.person", uid)

    def change(self) -> None:
        """Change the next person; tried again while the database is down."""
        uid = self.uids[self.changes % len(self.uids)]
        until = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(Unavailable), self.database.change() as work:
                named = update(person_table).where(person_table.c.uid == uid)
                work.connection.execute(named.values(family_name=f"{self.changes + 1:06d}"))
                work.outbox.add("directory.person", uid)
                break
        else:
            raise AssertionError("the database did not come back")
        self.changes += 1

    def change_all(self) -> None:
        """Change everybody at once."""
        self.changes += 1
        with self.database.change() as work:
            work.connection.execute(update(person_table).values(family_name=f"{self.changes:06d}"))
            work.outbox.add_all("directory.person", self.uids)

    def progress(self):
        with self.database.read() as work:
            return work.outbox.progress("directory.")

    def names(self) -> dict[str, str]:
        with self.database.read() as work:
            return {uid: work.people.get(uid).family_name for uid in self.uids}


def somebody(uid, now):
    names = ("Dr", "Amara", "", "000000", "Dr A Osei", now.date().replace(year=1980, day=1))
    return Person(uid, *names, f"{uid}@private.example", "", PersonStatus.ACTIVE, now, "system:test")


class Watching:
    """Reads the people all the time and notes every name that is older than one seen before."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.newest: dict[str, str] = {}
        self.went_back: list[str] = []

    def _watch(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(DirectoryError), open_session(self._url) as session:
                while not self._ended.is_set():
                    for record in session.search("ou=People,o=nhs", "(objectClass=nhsPerson)"):
                        self._note(record.attributes["uid"][0], record.attributes["sn"][0])
            self._ended.wait(0.02)

    def _note(self, uid: str, name: str) -> None:
        if name < self.newest.get(uid, ""):
            self.went_back.append(f"{uid}: {name} after {self.newest[uid]}")
        self.newest[uid] = name

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()


def wait_until(holds, what):
    until = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.02)


@contextmanager
def working(database, fresh):
    """The worker with the directory's lane, in a thread."""
    stop = threading.Event()
    publishing = DirectoryPublishing(database, fresh.publisher)
    worker = Worker(Lane(database, publishing, (), "directory"))
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def assert_equal_and_whole(registry, fresh):
    """Everything is published, and the change log has no hole and nothing twice."""
    wait_until(lambda: registry.progress().waiting == 0, "everything is published")
    with fresh.session() as session:
        there = session.search("ou=People,o=nhs", "(objectClass=nhsPerson)")
        base = session.search(LOG, scope="BASE")[0].attributes
        logged = session.search(LOG, "(objectClass=changeLogEntry)")
    assert {each.attributes["uid"][0]: each.attributes["sn"][0] for each in there} == registry.names()
    numbers = sorted(int(each.attributes["changenumber"][0]) for each in logged)
    assert numbers == list(range(1, int(base["lastchangenumber"][0]) + 1))


def test_slapd_down_under_load_is_caught_up_with_progress_to_be_seen(sqlite_database, fresh):
    registry = Registry(sqlite_database)
    with Watching(fresh.slapd.ldapi_url) as watching, working(sqlite_database, fresh):
        wait_until(lambda: registry.progress().waiting == 0, "the people are published")
        fresh.kill()
        for _ in range(40):
            registry.change()
        wait_until(lambda: registry.progress().failing, "the outage is noticed")
        progress = registry.progress()
        assert progress.waiting == 40
        assert progress.failing == 1
        assert progress.oldest_created_at is not None
        assert "directory" in progress.last_error
        fresh.slapd.start()
        assert_equal_and_whole(registry, fresh)
    assert watching.went_back == []


def test_slapd_killed_while_writing_loses_nothing(sqlite_database, fresh):
    registry, ended = Registry(sqlite_database), threading.Event()

    def change() -> None:
        while not ended.is_set():
            registry.change()

    changing = threading.Thread(target=change)
    with Watching(fresh.slapd.ldapi_url) as watching, working(sqlite_database, fresh):
        changing.start()
        try:
            for kill in itertools.count(1):
                seen = dict(watching.newest)
                wait_until(lambda seen=seen: watching.newest != seen, "changes arrive")
                if kill > 3:
                    break
                fresh.kill()
                fresh.slapd.start()
        finally:
            ended.set()
            changing.join()
        assert_equal_and_whole(registry, fresh)
    assert watching.went_back == []


def published_in_batches(registry, fresh, interrupt):
    """Announce a change of everybody, and interrupt the writing of each such batch."""
    with Watching(fresh.slapd.ldapi_url) as watching, working(registry.database, fresh):
        wait_until(lambda: registry.progress().waiting == 0, "the people are published")
        for _ in range(3):
            before = dict(watching.newest)
            registry.change_all()
            wait_until(lambda before=before: watching.newest != before, "a batch is being written")
            interrupt()
        assert_equal_and_whole(registry, fresh)
    assert watching.went_back == []


def test_slapd_killed_in_the_middle_of_a_batch_loses_nothing(sqlite_database, fresh):
    def interrupt():
        fresh.kill()
        fresh.slapd.start()

    published_in_batches(Registry(sqlite_database, MANY), fresh, interrupt)


def test_a_disk_that_fails_after_some_batches_loses_nothing(sqlite_database, fresh, monkeypatch):
    registry = Registry(sqlite_database, MANY)
    publishing = DirectoryPublishing(sqlite_database, fresh.publisher)
    lane = Lane(sqlite_database, publishing, (), "directory")
    with monkeypatch.context() as broken:
        broken.setattr("directory.group_commit.wait_until_written", disk_failing_at(2))
        assert lane.publish_some() == len(MANY)
        assert lane.publish_some() == 0, "nothing is due, so the disk is waited for, which fails"
    registry.change()
    assert lane.publish_some() == 0, "what the kernel takes for written may not be"
    assert registry.progress().waiting == 1
    fresh.slapd.stop()
    with pytest.raises(SlapdFailed, match="spine-ra directory rebuild"):
        fresh.slapd.start()
    publishing.rebuild(fresh.slapd)
    fresh.slapd.start()
    with working(sqlite_database, fresh):
        wait_until(lambda: registry.progress().waiting == 0, "everything is published")
    with open_session(fresh.slapd.ldapi_url) as session:
        there = session.search("ou=People,o=nhs", "(objectClass=nhsPerson)")
    assert {each.attributes["uid"][0]: each.attributes["sn"][0] for each in there} == registry.names()


def disk_failing_at(turn):
    """Waits for the disk, and fails the second time."""
    turns = itertools.count(1)

    def wait(file):
        if next(turns) == turn:
            raise OSError(errno.EIO, "Input/output error")

    return wait


def test_the_database_restarted_under_load_loses_nothing(postgresql_database, postgresql_cluster, fresh):
    registry = Registry(postgresql_database)
    name = postgresql_database.engine.url.database
    away = f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    with Watching(fresh.slapd.ldapi_url) as watching, working(postgresql_database, fresh):
        for _ in range(3):
            for _ in range(10):
                registry.change()
            postgresql_cluster.execute(away)
            postgresql_cluster.execute(cut)
            with pytest.raises(Unavailable):
                registry.progress()
            postgresql_cluster.execute(away.replace("false", "true"))
        for _ in range(10):
            registry.change()
        assert_equal_and_whole(registry, fresh)
    assert watching.went_back == []


def work(url: str, ldapi_url: str, lock: str) -> None:
    """A worker of its own, until it is killed."""
    database = Database(url)
    with closing(Publisher(ldapi_url, Path(lock))) as publisher:
        lane = Lane(database, DirectoryPublishing(database, publisher), (), "directory")
        Worker(lane).run(threading.Event())


def test_a_worker_killed_while_writing_loses_nothing(database, fresh):
    registry = Registry(database)
    url = database.engine.url.render_as_string(hide_password=False)
    place = (fresh.slapd.ldapi_url, str(fresh.slapd.publishing_lock))
    with Watching(fresh.slapd.ldapi_url) as watching:
        for _ in range(3):
            worker = multiprocessing.get_context("spawn").Process(target=work, args=(url, *place))
            worker.start()
            seen = dict(watching.newest)
            while watching.newest == seen:
                registry.change()
                assert worker.is_alive()
            worker.kill()
            worker.join()
        with working(database, fresh):
            assert_equal_and_whole(registry, fresh)
    assert watching.went_back == []


def test_worker_slapd_and_database_ended_on_the_way_back_lose_nothing():
    with tempfile.TemporaryDirectory(prefix="spine-") as folder:  # PostgreSQL's user reaches it
        seen = outage.run(Path(folder), changes=400, people=150)
    assert seen.noticed.waiting == 400
    assert [what for what, _ in seen.steps] == [
        "worker killed",
        "slapd killed while it wrote",
        "PostgreSQL ended as by a crash",
    ]
    assert seen.carried > 400, "changes went on"
    assert (seen.differences, seen.out_of_order, seen.missing_numbers) == (0, 0, 0)
