"""Other users of the machine read nothing of the database."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.storage.database import Database


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """Under which a new file is for everybody to read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_only_the_owner_reads_the_database_and_its_journal(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'spine.db'}")
    database.migrate()
    with database.read():
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("spine.db*")}
    database.close()
    assert {"spine.db", "spine.db-wal", "spine.db-shm"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_a_database_that_is_there_keeps_the_mode_it_was_given(tmp_path: Path) -> None:
    """Where programs run as users of their own, one group may share it."""
    file = tmp_path / "spine.db"
    file.touch()
    file.chmod(0o660)
    database = Database(f"sqlite:///{file}")
    database.migrate()
    database.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o660
