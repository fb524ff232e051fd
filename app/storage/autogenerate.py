"""For developers: writing migrations from the tables.

``python -m app.storage.autogenerate "what it changes"`` compares a database that all migrations so far have
made with what the tables say, and writes the difference as a new file into
``app/storage/migrations/versions``, to be read and corrected by a person. Triggers are
not compared (``app.storage.tables.append_only``).

``python -m app.storage.autogenerate --first`` writes the SQL of the first migration anew. Only before the
first release: afterwards, databases exist that were made by it.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import groupby
from pathlib import Path

from alembic import command
from sqlalchemy import ExecutableDDLElement, MetaData, create_mock_engine, make_url

from app.storage.engines import open_engine
from app.storage.migrating import configuration, migrate
from app.storage.tables import metadata

_DIALECTS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


def autogenerate(message: str) -> None:
    """Write the migration; its number follows the last one's."""
    number = f"{len(list(_versions().glob('[0-9]*.py'))) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'made-by-migrations.db'}")
        migrate(engine)
        with engine.begin() as connection:
            command.revision(
                configuration(connection=connection), message=message, autogenerate=True, rev_id=number
            )
        engine.dispose()


def write_first() -> None:
    """Write the SQL of the first migration, one file for each kind of database."""
    for name, url in _DIALECTS.items():
        (_versions() / f"0001_begin.{name}.sql").write_text(statements_of(metadata, url))


def statements_of(tables: MetaData, url: str) -> str:
    """The SQL that makes the tables, each statement ended by a line with a semicolon alone."""
    found: list[str] = []
    dialect = make_url(url).get_dialect()()

    def note(ddl: ExecutableDDLElement, *_: object, **__: object) -> None:
        found.append(str(ddl.compile(dialect=dialect)).strip())

    tables.create_all(create_mock_engine(url, note), checkfirst=False)
    lines = [line.rstrip() for line in "\n;\n\n".join([*_in_one_order(found), ""]).split("\n")]
    return "\n".join(lines).rstrip() + "\n"


def _in_one_order(statements: list[str]) -> list[str]:
    """The indexes of a table come as a set: sort them, so that the file changes only by reason."""
    ordered: list[str] = []
    for is_index, run in groupby(statements, lambda each: "INDEX ix_" in each or "INDEX uq_" in each):
        group = list(run)
        ordered += sorted(group) if is_index else group
    return ordered


def _versions() -> Path:
    return Path(__file__).with_name("migrations") / "versions"


if __name__ == "__main__":
    if sys.argv[1] == "--first":
        write_first()
    else:
        autogenerate(sys.argv[1])
