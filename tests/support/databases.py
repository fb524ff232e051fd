"""Databases for tests: a file of SQLite, and a database of a real PostgreSQL that lives as long as the tests.

``database`` runs a test on both; ``sqlite_database`` and ``postgresql_database`` on one. Every test gets a
database of its own, copied from one that already has all tables.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event

from app.storage.database import Database
from app.storage.tables import metadata

_NUMBERS = itertools.count(1)


def postgresql_programs() -> Path | None:
    """The folder with initdb and pg_ctl of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """A throw-away PostgreSQL: its own folder, reached by a socket in it, not made to survive a power cut."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None

    def start(self) -> None:
        if self._user:
            shutil.chown(self._folder, self._user)
        self._run(
            "initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
        )
        options = f"-k {self._folder} -c listen_addresses= -c fsync=off -c max_connections=60"
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop")

    def restart(self) -> None:
        """End it as a crash would, and start it again."""
        self._run("pg_ctl", "-D", "data", "-l", "log", "-m", "immediate", "-w", "restart")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(
            f"host={self._folder} user=postgres dbname=postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        # To a file: the server would keep a pipe open after pg_ctl has ended.
        with (self._folder.parent / f"{self._folder.name}.out").open("ab") as output:
            subprocess.run(
                command,
                check=True,
                cwd=self._folder,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                stdout=output,
                stderr=output,
            )


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[Cluster]:
    """A running PostgreSQL; tests are skipped only where none is installed."""
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="spine-ra-postgresql-"))
    cluster = Cluster(programs, folder)
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)
    (folder.parent / f"{folder.name}.out").unlink()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_cluster: Cluster) -> Cluster:
    """The cluster with a database ``template_with_tables``."""
    postgresql_cluster.execute("CREATE DATABASE template_with_tables")
    database = Database(postgresql_cluster.url("template_with_tables"))
    metadata.create_all(database.engine)
    database.close()
    return postgresql_cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables."""
    file = tmp_path_factory.mktemp("template") / "spine.db"
    database = Database(f"sqlite:///{file}")
    metadata.create_all(database.engine)
    database.close()
    return file


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database with all tables."""
    file = tmp_path / "spine.db"
    shutil.copy(sqlite_template, file)
    database = Database(f"sqlite:///{file}")
    event.listen(database.engine, "connect", _not_made_to_survive_a_power_cut)
    yield database
    database.close()


def _not_made_to_survive_a_power_cut(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def postgresql_database(postgresql_template: Cluster) -> Iterator[Database]:
    """An empty PostgreSQL database with all tables."""
    name = f"test_{next(_NUMBERS)}"
    postgresql_template.execute(f"CREATE DATABASE {name} TEMPLATE template_with_tables")
    database = Database(postgresql_template.url(name))
    yield database
    database.close()
    postgresql_template.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database with all tables; the test runs on each kind."""
    chosen: Database = request.getfixturevalue(f"{request.param}_database")
    return chosen


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table, for migrations; on each kind."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'new' / 'spine.db'}")
    else:
        cluster: Cluster = request.getfixturevalue("postgresql_cluster")
        name = f"empty_{next(_NUMBERS)}"
        cluster.execute(f"CREATE DATABASE {name}")
        database = Database(cluster.url(name))
    yield database
    database.close()
