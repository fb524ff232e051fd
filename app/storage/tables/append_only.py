"""Triggers that refuse to change or remove rows, for tables that only ever grow.

``metadata.create_all`` makes them with their table, and so does the first migration. A later one that creates
such a table runs ``statements`` itself, because Alembic's create_table knows nothing of triggers:

    for statement in append_only.statements(op.get_bind().dialect.name, "audit_event"):
        op.execute(statement)
"""

from __future__ import annotations

from sqlalchemy import DDL, Connection, Table, event

_ACTIONS = ("UPDATE", "DELETE")


def statements(dialect: str, table: str) -> list[str]:
    """The DDL that makes ``table`` append-only in ``dialect`` (``sqlite`` or ``postgresql``)."""
    if dialect == "sqlite":
        return [_sqlite_trigger(table, action) for action in _ACTIONS]
    return [
        _postgresql_function(table),
        *(_postgresql_trigger(table, each) for each in (*_ACTIONS, "TRUNCATE")),
    ]


def _sqlite_trigger(table: str, action: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
    )


def _postgresql_function(table: str) -> str:
    return (
        f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{table} only grows'; END $$"
    )


def _postgresql_trigger(table: str, action: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()"
    )


def keep_append_only(table: Table) -> None:
    """Make the triggers whenever ``table`` is created from the metadata."""

    @event.listens_for(table, "after_create")
    def create_triggers(created: Table, connection: Connection, **_: object) -> None:
        for statement in statements(connection.dialect.name, created.name):
            connection.execute(DDL(statement))  # type: ignore[no-untyped-call]
