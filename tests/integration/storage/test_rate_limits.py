"""Rate limits: counted together, in windows, without losing a try."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from app.storage.database import Database

MINUTE = timedelta(minutes=1)


def tried(database: Database, key: str = "192.0.2.1", name: str = "sign-in") -> bool:
    with database.change() as work:
        return work.rate_limits.allows(name, key, limit=3, window=MINUTE)


def test_tries_beyond_the_limit_are_refused_until_the_window_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    monkeypatch.setattr(database, "_clock", lambda: now)
    assert [tried(database) for _ in range(5)] == [True, True, True, False, False]
    now += MINUTE
    assert [tried(database) for _ in range(4)] == [True, True, True, False]


def test_each_name_and_key_has_a_limit_of_its_own(database: Database) -> None:
    assert [tried(database) for _ in range(4)][-1] is False
    assert tried(database, key="192.0.2.2")
    assert tried(database, name="unlock")


def test_tries_of_the_window_are_told_without_counting_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    monkeypatch.setattr(database, "_clock", lambda: now)

    def told(key: str = "192.0.2.1") -> int:
        with database.read() as work:
            return work.rate_limits.tries("sign-in", key)

    assert [tried(database) for _ in range(2)] == [True, True]
    assert [told(), told(), told("192.0.2.2")] == [2, 2, 0]
    now += MINUTE
    assert told() == 0


def test_a_forgotten_key_begins_again(database: Database) -> None:
    assert [tried(database) for _ in range(4)][-1] is False
    with database.change() as work:
        work.rate_limits.forget("sign-in", "192.0.2.1")
    assert tried(database)


def test_tries_at_the_same_moment_are_all_counted(database: Database) -> None:
    allowed: list[bool] = []

    def job() -> None:
        for _ in range(5):
            allowed.append(tried(database))

    threads = [threading.Thread(target=job) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(allowed), sum(allowed)) == (20, 3)


def test_ended_windows_are_removed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    monkeypatch.setattr(database, "_clock", lambda: now)
    tried(database)
    now += 2 * MINUTE
    with database.change() as work:
        assert work.rate_limits.forget_ended() == 1
