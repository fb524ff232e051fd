"""The worker: order, retries, kills, stand-by, outages."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from app.domain.actor import Actor
from app.domain.audit_event import REQUIRED_DETAILS
from app.errors import Unavailable
from app.periodic_tasks import (
    announce_begun_and_ended_roles,
    forget_what_is_over,
    seal_new_events,
)
from app.storage.database import Database
from app.storage.outbox import LONGEST_DELAY, OutboxRow, delay_after
from app.storage.tables import access, people
from app.storage.tables.outbox import outbox
from app.worker import Handler, Lane, OneByOne, Outcome, PeriodicTask, Worker

DONE = "card.painted"
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


class MovedClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock(database: Database) -> MovedClock:
    clock = MovedClock()
    database._clock = clock
    return clock


def announce(database: Database, *keys: str, topic: str = "directory.person") -> None:
    with database.change() as work:
        for key in keys:
            work.outbox.add(topic, key)


def lane(database: Database, handlers: Mapping[str, Handler], tasks: Sequence[PeriodicTask] = ()) -> Lane:
    return Lane(database, OneByOne(handlers), tasks, "test")


@contextmanager
def running(worker: Lane | Worker) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


class Target:
    """What handlers were given; fails for some keys."""

    def __init__(self, failing: set[str] | None = None) -> None:
        self.rows: list[OutboxRow] = []
        self.failing = failing or set()
        self.reached = threading.Condition()

    def __call__(self, row: OutboxRow) -> None:
        if row.key in self.failing:
            raise Unavailable("directory", "The directory is down.")
        with self.reached:
            self.rows.append(row)
            self.reached.notify_all()

    @property
    def keys(self) -> list[str]:
        return [row.key for row in self.rows]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.reached:
            assert self.reached.wait_for(condition, timeout=30)


def test_every_row_reaches_its_handler_once(database: Database) -> None:
    announce(database, "1", "2", "3")
    target = Target()
    with running(lane(database, {"directory.person": target})):
        target.wait_for(lambda: len(target.rows) == 3)
        announce(database, "4")
        target.wait_for(lambda: len(target.rows) == 4)
    assert target.keys == ["1", "2", "3", "4"]
    with database.read() as work:
        assert work.outbox.progress().waiting == 0


def test_rows_of_one_key_keep_their_order(database: Database, clock: MovedClock) -> None:
    with database.change() as work:
        for turn in range(3):
            work.outbox.add("directory.person", "1", {"turn": turn})
    target = Target(failing={"1"})
    worker = lane(database, {"directory.person": target})
    assert worker.publish_some() == 0
    target.failing.clear()
    assert worker.publish_some() == 0, "later rows must wait for the failed one"
    clock.move(LONGEST_DELAY)
    assert [worker.publish_some() for _ in range(4)] == [1, 1, 1, 0]
    assert [row.payload["turn"] for row in target.rows] == [0, 1, 2]


def test_a_failing_key_does_not_hold_up_the_others(database: Database, clock: MovedClock) -> None:
    announce(database, "bad", "good")
    target = Target(failing={"bad"})
    lane(database, {"directory.person": target}).publish_some()
    assert target.keys == ["good"]
    with database.read() as work:
        progress = work.outbox.progress()
    assert (progress.waiting, progress.failing, progress.oldest_created_at) == (1, 1, START)
    assert progress.last_error == "Unavailable: The directory is down."


def test_a_failing_row_is_tried_again_later_and_later(database: Database, clock: MovedClock) -> None:
    announce(database, "1")
    worker = lane(database, {"directory.person": Target(failing={"1"})})
    for attempt in range(1, 6):
        worker.publish_some()
        with database.read() as work:
            assert work.outbox.due(["directory.person"]) == []
        clock.move(delay_after(attempt))
        with database.read() as work:
            assert work.outbox.due(["directory.person"])[0].attempts == attempt
    assert delay_after(1) < delay_after(2) < delay_after(30) == LONGEST_DELAY


def test_a_killed_workers_row_is_handled_again(database: Database) -> None:
    announce(database, "1")

    def killed(row: OutboxRow) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        lane(database, {"directory.person": killed}).publish_some()
    target = Target()
    assert lane(database, {"directory.person": target}).publish_some() == 1
    assert target.keys == ["1"]


def test_a_topic_without_handler_waits(database: Database) -> None:
    announce(database, "1", topic="openid.logout")
    assert lane(database, {"directory.person": Target()}).publish_some() == 0
    with database.read() as work:
        assert work.outbox.progress().waiting == 1


def test_one_of_two_workers_stands_by_and_takes_over(database: Database) -> None:
    first, second = Target(), Target()
    with running(lane(database, {"directory.person": first})) as stop:
        announce(database, "1")
        first.wait_for(lambda: first.keys == ["1"])
        with running(lane(database, {"directory.person": second})):
            announce(database, "2", "3")
            first.wait_for(lambda: first.keys == ["1", "2", "3"])
            stop.set()
            announce(database, "4")
            second.wait_for(lambda: second.keys[-1:] == ["4"] or first.keys[-1:] == ["4"])
    assert sorted(first.keys + second.keys) == ["1", "2", "3", "4"]


def test_the_lock_of_a_broken_connection_is_given_up(postgresql_database: Database) -> None:
    with postgresql_database.exclusively("worker-test") as still_held:
        assert still_held
        assert still_held()
        with postgresql_database.exclusively("worker-test") as again:
            assert again is None
        with postgresql_database.engine.begin() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            connection.execute(text(others))
        assert not still_held()
    with postgresql_database.exclusively("worker-test") as taken:
        assert taken


def test_a_relying_party_that_hangs_does_not_hold_up_the_directory(database: Database) -> None:
    target, hanging, let_go = Target(), threading.Event(), threading.Event()

    def hang(row: OutboxRow) -> None:
        hanging.set()
        let_go.wait(60)

    parties = Lane(database, OneByOne({"openid.logout": hang}), (), "parties")
    directory = Lane(database, OneByOne({"directory.person": target}), (), "directory")
    announce(database, "session", topic="openid.logout")
    with running(Worker(parties, directory)):
        try:
            assert hanging.wait(30)
            announce(database, "1", "2")
            target.wait_for(lambda: target.keys == ["1", "2"])
        finally:
            let_go.set()


def test_a_lane_that_breaks_ends_the_worker_so_that_it_is_started_again(database: Database) -> None:
    class Broken(OneByOne):
        def carry(self, rows: Sequence[OutboxRow]) -> Iterator[Outcome]:
            raise ZeroDivisionError

    announce(database, "1")
    broken = Lane(database, Broken({"directory.person": Target()}), (), "broken")
    with pytest.raises(ZeroDivisionError):
        Worker(broken, lane(database, {})).run(threading.Event())


def test_a_lane_ends_what_was_left_when_nothing_is_due_and_when_it_stops(
    sqlite_database: Database,
) -> None:
    target, rests, stop = Target(), list[int](), threading.Event()

    class Resting(OneByOne):
        def rest(self) -> None:
            rests.append(len(target.rows))

    def carry_and_stop(row: OutboxRow) -> None:
        target(row)
        stop.set()

    handlers = {"directory.person": target, "directory.system": carry_and_stop}
    worker = Lane(sqlite_database, Resting(handlers), (), "resting")
    announce(sqlite_database, *"12")
    assert [worker.publish_some(), worker.publish_some()] == [2, 0]
    assert rests == [2]
    announce(sqlite_database, "3", topic="directory.system")
    worker.run(stop)
    assert rests == [2, 3]


def test_in_an_outage_of_the_target_everything_waits_in_its_order(
    database: Database, clock: MovedClock
) -> None:
    class Down(OneByOne):
        is_down = True

        def carry(self, rows: Sequence[OutboxRow]) -> Iterator[Outcome]:
            if self.is_down:
                raise Unavailable("directory", "The directory is down.")
            return super().carry(rows)

    target = Target()
    down = Down({"directory.person": target})
    worker = Lane(database, down, (), "test")
    announce(database, *"12345")
    for _ in range(10):
        assert worker.publish_some() == 0
        clock.move(timedelta(seconds=5))
    with database.read() as work:
        progress = work.outbox.progress("directory.")
        assert work.outbox.progress("openid.").waiting == 0
    assert (progress.waiting, progress.failing, progress.oldest_created_at) == (5, 1, START)
    assert progress.last_error == "The directory is down."
    down.is_down = False
    assert worker.publish_some() == 5
    assert target.keys == list("12345")


def test_announcements_of_many_threads_all_arrive(database: Database) -> None:
    target = Target()
    with running(lane(database, {"directory.person": target})):
        threads = [
            threading.Thread(
                target=lambda first=first: [announce(database, f"{first}-{n}") for n in range(10)]
            )
            for first in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        target.wait_for(lambda: len(target.rows) >= 40)
    assert len(set(target.keys)) == len(target.keys) == 40


def test_a_row_whose_transaction_commits_late_is_not_lost(postgresql_database: Database) -> None:
    """PostgreSQL numbers rows before they commit: a later number may be seen first."""
    target = Target()
    worker = lane(postgresql_database, {"directory.person": target})
    late = Database(str(postgresql_database.engine.url.render_as_string(hide_password=False)))
    with late.change() as work:
        work.outbox.add("directory.person", "late")
        announce(postgresql_database, "early")
        worker.publish_some()
    worker.publish_some()
    late.close()
    assert target.keys == ["early", "late"]


def test_periodic_tasks_run_and_a_failing_one_harms_nobody(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    ran = threading.Event()

    def fail() -> None:
        raise ZeroDivisionError

    tasks = [
        PeriodicTask("fails", timedelta(milliseconds=1), fail),
        PeriodicTask("works", timedelta(milliseconds=1), ran.set),
    ]
    with caplog.at_level(logging.WARNING), running(lane(sqlite_database, {}, tasks)):
        assert ran.wait(30)
        ran.clear()
        assert ran.wait(30)
    assert "the periodic task fails failed" in caplog.text


def test_a_database_that_is_down_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()

    class StopAfterOne:
        def is_set(self) -> bool:
            return stop.is_set()

        def wait(self, timeout: float | None = None) -> bool:
            stop.set()
            return True

    lane(Database("postgresql+psycopg://nobody@127.0.0.1:1/none"), {}).run(StopAfterOne())
    assert "the worker's lane test waits: The database cannot be used just now." in caplog.text


def test_published_rows_are_forgotten_after_a_while(database: Database, clock: MovedClock) -> None:
    announce(database, "1", "2")
    lane(database, {"directory.person": Target(failing={"2"})}).publish_some()
    clock.move(timedelta(days=8))
    forget_what_is_over(database, timedelta(days=7))
    with database.read() as work:
        assert [row.key for row in work.connection.execute(outbox.select())] == ["2"]


def test_the_audit_is_sealed_only_when_there_is_something_new(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REQUIRED_DETAILS, DONE, frozenset())

    class Sealing:
        sealed = 0

        def seal_audit_head(self) -> int:
            self.sealed += 1
            return 1

    sealing = Sealing()
    seal_new_events(database, sealing)
    assert sealing.sealed == 0
    with database.audited(Actor.system("test"), DONE, "1"):
        pass
    seal_new_events(database, sealing)
    assert sealing.sealed == 1


def person_with_role(database: Database, number: int, starts_on: date, ends_on: date | None) -> str:
    """Somebody with a role from the founding ceremony, which is the shortest way to one."""
    uid, place = f"{number:012d}", f"{number + 100:012d}"
    named = {"title": "", "given_name": "A", "middle_names": "", "family_name": "B", "card_name": ""}
    keys = {"given_name_key": "a", "family_name_key": "b", "email": f"{uid}@example.org", "mobile": ""}
    registered = {"registered_at": START, "registered_by": "system:test", "photo": b"", "status": "active"}
    period = {"starts_on": starts_on, "ends_on": ends_on, "granted_at": START}
    with database.change() as work:
        insert_row = work.connection.execute
        insert_row(
            insert(people.person).values(
                uid=uid, date_of_birth=date(1980, 1, 1), **named, **keys, **registered
            )
        )
        insert_row(
            insert(access.organisation_person).values(
                id=place, uid=uid, organisation_code="A81001", opened_on=starts_on
            )
        )
        insert_row(
            insert(access.role_profile).values(
                id=f"{number + 200:012d}",
                organisation_person_id=place,
                uid=uid,
                organisation_code="A81001",
                position_id="1",
                founding_id=1,
                job_role_code="R8000",
                activity_codes=[],
                workgroups=[],
                **period,
            )
        )
    return uid


@pytest.fixture
def founded(database: Database) -> Database:
    with database.change() as work:
        work.connection.execute(
            insert(access.founding).values(
                id=1, digest="", organisation_code="A81001", held_on=START.date(), witnesses=[], at=START
            )
        )
        work.connection.execute(
            insert(access.position).values(
                id="1",
                organisation_code="A81001",
                name="x",
                notes="",
                approved_by="x",
                approved_on=START.date(),
                approval_reference="x",
                status="open",
                created_by="x",
                created_at=START,
            )
        )
    return database


def announced(database: Database) -> list[str]:
    announce_begun_and_ended_roles(database)
    with database.change() as work:
        rows = work.outbox.due(["directory.person"])
        work.outbox.published(rows)
    return [row.key for row in rows]


def test_people_are_announced_on_the_day_their_role_begins_and_after_its_last(
    founded: Database, clock: MovedClock
) -> None:
    today, day = START.date(), timedelta(days=1)
    assert announced(founded) == []
    begins = person_with_role(founded, 1, today + day, None)
    ends = person_with_role(founded, 2, today - day, today + day)
    assert announced(founded) == [], "the day is swept already"
    clock.move(day)
    assert announced(founded) == [begins]
    assert announced(founded) == []
    clock.move(day)
    assert announced(founded) == [ends]


def test_people_are_announced_on_the_day_their_place_begins(founded: Database, clock: MovedClock) -> None:
    today, day = START.date(), timedelta(days=1)
    announced(founded)
    uid = person_with_role(founded, 1, today - day, None)
    with founded.change() as work:
        place = access.organisation_person
        work.connection.execute(place.update().values(opened_on=today + day))
    assert announced(founded) == []
    clock.move(day)
    assert announced(founded) == [uid]


def test_days_on_which_no_worker_ran_are_made_up_for(founded: Database, clock: MovedClock) -> None:
    today, day = START.date(), timedelta(days=1)
    announced(founded)
    both = person_with_role(founded, 1, today + 2 * day, today + 4 * day)
    never = person_with_role(founded, 2, today + 30 * day, None)
    clock.move(9 * day)
    found = announced(founded)
    assert both in found
    assert never not in found


def work_until_killed(url: str, reached: str) -> None:
    """A worker whose handler reaches its target and then never returns."""

    def reach_and_hang(row: OutboxRow) -> None:
        Path(reached).write_text(row.key)
        threading.Event().wait()

    lane(Database(url), {"directory.person": reach_and_hang}).run(threading.Event())


def test_the_next_worker_goes_on_after_a_kill(database: Database, tmp_path: Path) -> None:
    announce(database, "1")
    reached = tmp_path / "reached"
    url = database.engine.url.render_as_string(hide_password=False)
    process = multiprocessing.get_context("spawn").Process(target=work_until_killed, args=(url, str(reached)))
    process.start()
    deadline = threading.Event()
    while not reached.exists():
        assert process.is_alive()
        deadline.wait(0.02)
    with database.exclusively("worker-test") as still_held:
        assert still_held is None
    process.kill()
    process.join()
    target = Target()
    with running(lane(database, {"directory.person": target})):
        target.wait_for(lambda: target.keys == ["1"])
