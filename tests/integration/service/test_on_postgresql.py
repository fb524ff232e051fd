"""The whole service on PostgreSQL, by one option at the first start."""

from __future__ import annotations

from pathlib import Path

from app.service.known_people import has_active_card
from app.settings import load
from app.storage.database import Database
from tests.support.databases import Cluster
from tests.support.running_service import begin_start, running_service

PORT_OFFSET = 3500


def test_first_start_and_later_ones(postgresql_cluster: Cluster, tmp_path: Path) -> None:
    postgresql_cluster.execute("CREATE DATABASE whole_service")
    url = postgresql_cluster.url("whole_service")
    with running_service(tmp_path / "var", PORT_OFFSET, "--database-url", url) as service:
        database = Database(url)
        assert all(has_active_card(database, holder.uid) for holder in service.people().values())
        database.close()
        assert not (service.folder / "spine.db").exists()
    with running_service(tmp_path / "var", PORT_OFFSET) as again:
        assert load(again.settings).database.url == url
        for command in (("audit", "verify"), ("directory", "compare")):
            done = again.spine_ra(*command)
            assert done.returncode == 0, done
    # Begun again, the folder has other CA keys than the authority in that database.
    process = begin_start(tmp_path / "var", PORT_OFFSET, "--fresh", "--yes", "--database-url", url)
    said, _ = process.communicate(timeout=120)
    assert f"The database {url} was not touched" in said
    assert "holds a registration authority whose CA keys are not in" in said


def test_a_database_that_does_not_answer_is_a_sentence(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://ra@/spine?host={tmp_path}"
    process = begin_start(tmp_path / "var", PORT_OFFSET, "--database-url", url)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"The database {url} cannot be used: " in said
    assert "Traceback" not in said
    # The address is given again, right this time.
    assert not (tmp_path / "var" / "settings.toml").exists()


def test_an_address_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    process = begin_start(tmp_path / "var", PORT_OFFSET, "--database-url", "mysql://ra@/spine")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "[database] url: must begin with" in said
