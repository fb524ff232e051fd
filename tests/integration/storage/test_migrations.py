"""Migrations make what the tables say, on both databases, and from an installed package too."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from app.storage.database import Database
from app.storage.tables import metadata

_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
}


def triggers(database: Database) -> list[str]:
    with database.engine.begin() as connection:
        return sorted(connection.scalars(text(_TRIGGERS[connection.dialect.name])))


def checks(database: Database) -> set[str]:
    """The names of all CHECK constraints, which Alembic does not compare."""
    query = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'",
        "postgresql": "SELECT conname FROM pg_constraint WHERE contype = 'c'",
    }
    with database.engine.begin() as connection:
        found = list(connection.scalars(text(query[connection.dialect.name])))
    if database.engine.dialect.name == "postgresql":
        return set(found)
    return {word for sql in found for word in sql.replace("(", " ").split() if word.startswith("ck_")}


def test_migrations_make_the_tables(empty_database: Database) -> None:
    empty_database.migrate()
    with empty_database.engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_make_the_constraints_and_triggers(
    empty_database: Database, request: pytest.FixtureRequest
) -> None:
    empty_database.migrate()
    from_tables: Database = request.getfixturevalue(f"{empty_database.engine.dialect.name}_database")
    assert checks(empty_database) == checks(from_tables)
    assert triggers(empty_database) == triggers(from_tables)
    assert len(triggers(empty_database)) >= 4


def test_migrating_again_changes_nothing(empty_database: Database) -> None:
    empty_database.migrate()
    empty_database.migrate()
