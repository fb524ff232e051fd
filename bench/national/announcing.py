"""How fast changes reach the directory: the outbox carried by the worker's own lane."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select, update

from app.adapters.directory_publishing import DirectoryPublishing
from app.storage.database import Database
from app.storage.tables.outbox import outbox
from app.storage.tables.people import person
from app.worker import Lane

CHANGES_A_SECOND = 50


@dataclass(frozen=True)
class Announced:
    """Changes a second with all announced at once, and milliseconds of delay at fifty changes a second."""

    per_second: float
    delay_p50_ms: float
    delay_p99_ms: float


def announce(
    database: Database, publishing: DirectoryPublishing, uids: Sequence[str], seconds: float
) -> Announced:
    """Change people's names: half of them at once, then one after another for so many seconds."""
    lane = Lane(database, publishing, (), "bench")
    at_once, later = uids[: len(uids) // 2], uids[len(uids) // 2 :]
    _publish_all(lane)  # what making the nation has announced
    _change(database, at_once)
    begun = time.perf_counter()
    done = _publish_all(lane)
    rate = done / (time.perf_counter() - begun)
    assert done == len(at_once), f"{done} of {len(at_once)} changes were published"
    delays = statistics.quantiles(_delays(database, lane, later, seconds), n=100)
    return Announced(rate, delays[49], delays[98])


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
