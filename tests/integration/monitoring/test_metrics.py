"""The metrics and the worker's samples, from a real directory and both databases."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.adapters.ca_client import CaClient
from app.adapters.monitored_parts import MonitoredParts, RootListFigures
from app.domain import figures
from app.domain.actor import Actor
from app.domain.figures import DESCRIBED, TOPICS, Sample
from app.errors import NotPermitted
from app.metrics import ServiceCollector, application, server
from app.sampling import KEPT, Sampling
from app.storage.database import Database
from directory.connection import open_session
from directory.entries import OrganisationEntry, record
from tests.support.databases import (
    database,
    postgresql_cluster,
    postgresql_database,
    postgresql_template,
    sqlite_database,
    sqlite_template,
)
from tests.support.slapd import TestDirectory, running_slapd

__all__ = [
    "database",
    "postgresql_cluster",
    "postgresql_database",
    "postgresql_template",
    "sqlite_database",
    "sqlite_template",
]

TOKEN = "0123456789abcdef"


class Answering:
    """An authority that is well."""

    def health(self) -> None:
        """It answers."""

    def audit_waits_seconds(self) -> float:
        """One order waits."""
        return 7.5


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDirectory]:
    with running_slapd(tmp_path_factory.mktemp("s")) as directory:
        yield directory


def parts_of(directory: TestDirectory) -> MonitoredParts:
    says = RootListFigures(datetime(2027, 1, 1, tzinfo=UTC), {"authentication": False, "systems": True})
    return MonitoredParts(
        lambda: open_session(directory.slapd.ldapi_url),
        Answering(),
        root_list=lambda: says,
        issues_until=lambda: {"systems": datetime(2034, 1, 1, tzinfo=UTC)},
    )


def gone(folder: Path) -> MonitoredParts:
    """Parts that are down."""
    nowhere = f"ldapi://{folder.as_posix().replace('/', '%2F')}%2Fnone"
    return MonitoredParts(lambda: open_session(nowhere), CaClient(folder / "none.sock"))


Scrape = Callable[..., dict[tuple[str, ...], float]]


@pytest.fixture
def scrape() -> Iterator[Scrape]:
    """Serves a collector, and reads it as Prometheus does: values by name and labels' values."""
    serving = []

    def read(database: Database, parts: MonitoredParts) -> dict[tuple[str, ...], float]:
        running = server("127.0.0.1", 0, application(ServiceCollector(database, parts, TOPICS)))
        threading.Thread(target=running.serve_forever).start()
        serving.append(running)
        with urllib.request.urlopen(f"http://127.0.0.1:{running.server_port}/metrics") as answer:
            text = answer.read().decode()
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    yield read
    for each in serving:
        each.shutdown()
        each.server_close()


def test_every_figure_of_the_directory_is_told(
    directory: TestDirectory, sqlite_database: Database, scrape: Scrape
) -> None:
    parts = parts_of(directory)
    with open_session(directory.slapd.ldapi_url) as session:
        before = scrape(sqlite_database, parts)
        for _ in range(7):
            session.compare("o=nhs", "o", "nhs")
        told = scrape(sqlite_database, parts)
    assert told["spine_ra_authority_revoked", "systems"] == 1
    assert told["spine_ra_authority_revoked", "authentication"] == 0
    until = datetime(2034, 1, 1, tzinfo=UTC).timestamp()
    assert told["spine_ra_authority_issues_until_timestamp_seconds", "systems"] == until
    assert told["spine_ra_authority_audit_oldest_seconds",] == 7.5
    compares = ("spine_ra_directory_operations_total", "Compare")
    assert told[compares] - before[compares] == 7
    assert told["spine_ra_directory_connections",] >= 2
    assert told["spine_ra_directory_start_timestamp_seconds",] > 1.7e9
    assert 0 < told["spine_ra_directory_map_used_bytes", "o=nhs"] < 1 << 20
    assert told["spine_ra_directory_map_maximum_bytes", "o=nhs"] == 32 << 30
    assert told["spine_ra_directory_bytes_sent_total",] > before["spine_ra_directory_bytes_sent_total",]
    assert told["spine_ra_directory_threads",] == 4
    missing = {f"spine_ra_{name}" for name in DESCRIBED} - {name[0].removesuffix("_total") for name in told}
    assert missing == {
        f"spine_ra_{name}"
        for name in (
            *(figures.WORKER_SEEN, figures.EVENTS, figures.REPLICA_LAG, figures.REPLICA_UP),
            *(figures.COMPARED_AT, figures.MENDED, figures.STRANGERS),
        )
    }


def test_entries_are_counted_as_they_come(
    directory: TestDirectory, sqlite_database: Database, scrape: Scrape
) -> None:
    entries = ("spine_ra_directory_entries", "o=nhs")
    before = scrape(sqlite_database, parts_of(directory))[entries]
    with open_session(directory.slapd.ldapi_url) as session:
        session.add(record("o=nhs", {"objectClass": ("top", "organization"), "o": "nhs"}))
        branch = {"objectClass": ("top", "organizationalUnit"), "ou": "Organisations"}
        session.add(record("ou=Organisations,o=nhs", branch))
        for each in OrganisationEntry("A81001", "PRACTICE", "Trust", "TR").records():
            session.add(each)
    assert scrape(sqlite_database, parts_of(directory))[entries] == before + 3


def test_what_is_not_published_is_told_with_its_age(
    database: Database, tmp_path: Path, scrape: Scrape
) -> None:
    with database.change() as work:
        for key in ("555000000017", "555000000025"):
            work.outbox.add("directory.person", key)
    told = scrape(database, gone(tmp_path))
    assert told["spine_ra_announcements_waiting", "directory.person"] == 2
    assert told["spine_ra_announcements_waiting", "openid.logout"] == 0
    assert 0 <= told["spine_ra_announcements_oldest_seconds", "directory.person"] < 300
    assert told["spine_ra_announcements_failing", "directory.person"] == 0


def test_what_the_comparison_found_is_told(database: Database, tmp_path: Path, scrape: Scrape) -> None:
    with database.change() as work:
        work.comparisons.add(compared=9, mended=4, strangers=2, named=["cn=x,o=nhs"])
        now = work.now
    told = scrape(database, gone(tmp_path))
    assert told["spine_ra_directory_differences_mended",] == 4
    assert told["spine_ra_directory_strangers",] == 2
    assert told["spine_ra_directory_compared_timestamp_seconds",] == pytest.approx(now.timestamp())


def test_a_part_that_is_down_is_told_and_hides_nothing_else(
    sqlite_database: Database, tmp_path: Path, scrape: Scrape
) -> None:
    told = scrape(sqlite_database, gone(tmp_path))
    up = {part: told["spine_ra_part_up", part] for part in ("ca", "directory", "database")}
    assert up == {"ca": 0, "directory": 0, "database": 1}
    assert ("spine_ra_authority_audit_oldest_seconds",) not in told
    lost = Database(f"sqlite:////{tmp_path}/no/folder/spine.db?mode=ro&uri=true")
    told = scrape(lost, gone(tmp_path))
    lost.close()
    assert told["spine_ra_part_up", "database"] == 0


def test_samples_count_every_event_once(database: Database, directory: TestDirectory, scrape: Scrape) -> None:
    sampling = Sampling(database, parts_of(directory), TOPICS)
    nobody = Actor.system("test")

    def sign_in(number: int) -> None:
        for _ in range(number):
            with database.audited(nobody, "signin.succeeded", "555000000017"):
                pass

    sign_in(3)
    sampling.take()
    sign_in(2)
    with pytest.raises(NotPermitted), database.audited(nobody, "signin.refused", "555000000017"):
        raise NotPermitted("no")
    sampling.take()
    sampling.take()
    told = scrape(database, parts_of(directory))
    assert told["spine_ra_events_total", "signin.succeeded", "allowed"] == 5
    assert told["spine_ra_events_total", "signin.refused", "refused"] == 1
    with database.read() as work:
        newest = work.monitoring.newest()
    assert newest is not None
    assert told["spine_ra_worker_last_sample_timestamp_seconds",] == newest.at.timestamp()
    assert newest.total(figures.OPERATIONS)


def test_samples_of_an_outage_say_so_and_old_ones_are_forgotten(database: Database, tmp_path: Path) -> None:
    with database.change() as work:
        for days in (1, 5, 9):
            work.monitoring.add(Sample(work.now - timedelta(days=days), {"part_up:directory": 1.0}, 4))
    Sampling(database, gone(tmp_path), TOPICS).take()
    with database.read() as work:
        kept = work.monitoring.since(work.now - timedelta(days=99))
    assert len(kept) == 2
    assert kept[-1].at - kept[0].at <= KEPT
    assert kept[-1].by_labels(figures.PART_UP)["directory",] == 0
    assert kept[-1].total(figures.OPERATIONS) is None


def test_the_newest_sample_is_kept_however_old(database: Database) -> None:
    with database.change() as work:
        work.monitoring.add(Sample(work.now - timedelta(days=9), {"events:x:allowed": 3.0}, 7))
        assert work.monitoring.forget(work.now) == 0


@pytest.mark.parametrize(
    ("sent", "path", "status"),
    [
        (f"Bearer {TOKEN}", "/metrics", 200),
        (f"Bearer {TOKEN}x", "/metrics", 401),
        ("Bearer ", "/metrics", 401),
        ("Bearer é", "/metrics", 401),
        (None, "/metrics", 401),
        (f"Bearer {TOKEN}", "/", 404),
    ],
)
def test_with_a_token_nobody_else_is_told_anything(
    sqlite_database: Database, tmp_path: Path, sent: str | None, path: str, status: int
) -> None:
    collector = ServiceCollector(sqlite_database, gone(tmp_path), TOPICS)
    running = server("127.0.0.1", 0, application(collector, TOKEN))
    threading.Thread(target=running.serve_forever).start()
    headers = {"Authorization": sent.encode().decode("latin-1")} if sent else {}
    request = urllib.request.Request(f"http://127.0.0.1:{running.server_port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            found, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        found, body = error.code, error.read()
        error.close()
    finally:
        running.shutdown()
        running.server_close()
    assert found == status
    assert (b"spine_ra_" in body) is (status == 200)
