"""Transactions: whole or not at all, audited or not at all, and no update is lost."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from typing import ClassVar

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.domain.actor import Actor
from app.domain.audit_chain import Head, follow
from app.domain.audit_event import REQUIRED_DETAILS, AuditEvent, Outcome, RecordedEvent, UnknownAuditEvent
from app.errors import NotPermitted, Refusal, Unavailable
from app.storage.database import Database
from app.storage.outbox import OutboxRow
from app.storage.tables.outbox import outbox
from app.storage.work import Work

OPERATOR = Actor(
    "656005750104", "Amara Osei", role_profile_id="555254239107", address="192.0.2.7", request_id="r1"
)


DONE = "card.painted"


@pytest.fixture(autouse=True)
def _event_of_these_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REQUIRED_DETAILS, DONE, frozenset())


class CardStillWarm(Refusal):
    """A rule of this test."""

    code: ClassVar[str] = "card_still_warm"


def events(database: Database) -> list[RecordedEvent]:
    with database.read() as work:
        return list(work.audit.events_after(0))


def announcements(database: Database) -> list[OutboxRow]:
    with database.read() as work:
        return work.outbox.due(["directory.person"])


def at_once(workers: int, job: Callable[[int], None]) -> None:
    """Run the job in so many threads that start together; raise what the first failing one raised."""
    faults: list[BaseException] = []
    barrier = threading.Barrier(workers)

    def run(number: int) -> None:
        barrier.wait()
        try:
            job(number)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def test_a_change_its_event_and_its_announcement_commit_together(database: Database) -> None:
    with database.audited(OPERATOR, DONE, "12", before="active") as work:
        work.outbox.add("directory.person", "656005750104")
        work.audit.details(after="cancelled")
    (recorded,) = events(database)
    assert recorded.event == AuditEvent(
        DONE,
        "12",
        "656005750104",
        "555254239107",
        "192.0.2.7",
        "r1",
        Outcome.ALLOWED,
        "",
        {"before": "active", "after": "cancelled"},
    )
    assert [row.key for row in announcements(database)] == ["656005750104"]


def announce_and_fail(work: Work, fault: Exception) -> None:
    work.outbox.add("directory.person", "1")
    work.audit.details(holder="9")
    raise fault


def test_a_fault_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.audited(OPERATOR, DONE, "12") as work:
        announce_and_fail(work, ZeroDivisionError())
    assert events(database) == []
    assert announcements(database) == []


def test_a_refusal_is_rolled_back_and_recorded_with_its_code(database: Database) -> None:
    with pytest.raises(CardStillWarm), database.audited(OPERATOR, DONE, "12") as work:
        announce_and_fail(work, CardStillWarm("Wait until the card is cold."))
    (recorded,) = events(database)
    assert (recorded.event.outcome, recorded.event.reason) == (Outcome.REFUSED, "card_still_warm")
    assert recorded.event.details == {"holder": "9"}
    assert announcements(database) == []


def test_a_missing_permission_is_recorded(database: Database) -> None:
    with pytest.raises(NotPermitted), database.audited(OPERATOR, DONE, "12"):
        raise NotPermitted("No.")
    assert [recorded.event.reason for recorded in events(database)] == ["not_permitted"]


def test_the_subject_can_be_named_when_it_is_known(database: Database) -> None:
    with database.audited(OPERATOR, DONE, "") as work:
        work.audit.about("565335293109")
    assert events(database)[0].event.subject == "565335293109"


def test_nothing_happens_when_the_audit_cannot_be_written(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE audit_event"))
    with pytest.raises(Unavailable) as caught, database.audited(OPERATOR, DONE, "12") as work:
        work.outbox.add("directory.person", "1")
    assert caught.value.dependency == "audit"
    assert announcements(database) == []


def test_a_refusal_that_cannot_be_recorded_is_an_outage(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE audit_event"))
    with pytest.raises(Unavailable), database.audited(OPERATOR, DONE, "12"):
        raise CardStillWarm("Wait.")


def test_an_undeclared_event_stops_the_change(database: Database) -> None:
    with pytest.raises(UnknownAuditEvent), database.audited(OPERATOR, "card.eaten", "12"):
        pytest.fail("the block must not run")


def test_an_event_without_its_required_details_stops_the_change(database: Database) -> None:
    with (
        pytest.raises(UnknownAuditEvent, match="source"),
        database.audited(OPERATOR, "organisations.imported", "ods") as work,
    ):
        work.outbox.add("directory.person", "1")
    assert announcements(database) == []


def test_what_strangers_type_cannot_keep_an_event_from_being_recorded(database: Database) -> None:
    typed = {"text": "\ud800 and \0", "list": ["\udfff"]}
    with database.audited(OPERATOR, DONE, "\ud800\0" + "x" * 5000, typed=typed):
        pass
    (recorded,) = events(database)
    assert recorded.event.subject == "??" + "x" * 197 + "…"
    assert recorded.event.details == {"typed": {"text": "? and ?", "list": ["?"]}}
    assert follow(Head.before_all(), [recorded]).seq == 1


def test_audit_rows_cannot_be_changed_or_removed(database: Database) -> None:
    with database.audited(OPERATOR, DONE, "12"):
        pass
    for statement in ("UPDATE audit_event SET subject = '13'", "DELETE FROM audit_event"):
        with (
            pytest.raises(DBAPIError, match="audit_event only grows"),
            database.engine.begin() as connection,
        ):
            connection.execute(text(statement))


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises((DBAPIError, Unavailable)), database.read() as work:
        work.outbox.add("directory.person", "1")
    with database.change() as work:
        work.outbox.add("directory.person", "2")


def test_a_reader_sees_one_state_throughout(database: Database) -> None:
    counted = select(func.count()).select_from(outbox)
    with database.read() as reading:
        before = reading.connection.scalar(counted)
        with database.change() as work:
            work.outbox.add("directory.person", "1")
        assert reading.connection.scalar(counted) == before


def test_a_change_inside_a_change_is_a_fault_at_once(database: Database) -> None:
    with pytest.raises(RuntimeError, match="already"), database.change(), database.change():
        pass
    with database.change():
        pass


def test_now_is_one_instant_of_a_transaction(database: Database) -> None:
    with database.change() as work:
        work.outbox.add("directory.person", "1")
        assert work.now.tzinfo is not None
    assert announcements(database)[0].created_at == work.now


def test_events_of_many_threads_form_one_chain(database: Database) -> None:
    def job(number: int) -> None:
        for turn in range(10):
            with database.audited(OPERATOR, DONE, f"{number}-{turn}"):
                pass

    at_once(6, job)
    recorded = events(database)
    assert follow(Head.before_all(), recorded).seq == len(recorded) == 60


def test_no_number_is_given_twice(database: Database) -> None:
    given: list[int] = []

    def job(_: int) -> None:
        for _turn in range(15):
            with database.change() as work:
                number = work.sequences.next("person")
            given.append(number)

    at_once(6, job)
    assert sorted(given) == list(range(1, 91))


def test_a_rolled_back_number_is_given_again(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.change() as work:
        announce_and_fail(work, ZeroDivisionError(work.sequences.next("person")))
    with database.change() as work:
        assert (work.sequences.next("person"), work.sequences.next("position")) == (1, 1)


def test_a_locked_database_is_an_outage(sqlite_database: Database) -> None:
    other = Database(str(sqlite_database.engine.url))
    with other.engine.connect() as waiting:
        waiting.exec_driver_sql("PRAGMA busy_timeout = 20")
        waiting.rollback()
    with sqlite_database.change(), pytest.raises(Unavailable) as caught, other.change():
        pass
    assert caught.value.dependency == "database"
    other.close()


def test_a_database_that_is_down_is_an_outage() -> None:
    with pytest.raises(Unavailable), Database("postgresql+psycopg://nobody@127.0.0.1:1/none").read():
        pass


def test_an_error_in_our_sql_is_not_called_an_outage(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as work:
        work.connection.execute(text("SELECT nothing FROM nowhere"))


def test_other_kinds_of_database_are_refused() -> None:
    for url in ("mysql://x/y", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match="sqlite:///"):
            Database(url)


def audited_by_a_process(url: str, number: int) -> None:
    """What one process of the next test does; the declaration is this process's own."""
    REQUIRED_DETAILS[DONE] = frozenset()  # type: ignore[index]
    database = Database(url)
    for turn in range(10):
        with database.audited(OPERATOR, DONE, f"{number}-{turn}") as work:
            work.audit.details(number=work.sequences.next("person"))
            work.outbox.add("directory.person", "1")
    database.close()


def test_processes_at_once_lose_nothing(database: Database) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    spawning = multiprocessing.get_context("spawn")
    processes = [spawning.Process(target=audited_by_a_process, args=(url, number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    recorded = events(database)
    assert follow(Head.before_all(), recorded).seq == 30
    assert sorted(each.event.details["number"] for each in recorded) == list(range(1, 31))
    with database.read() as work:
        assert work.outbox.progress().waiting == 30
