"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy spells once for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert

INSERTS: Mapping[str, Callable[[Table], Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""The spelling of each database, for statements that are made once."""


def insert_or(connection: Connection, table: Table) -> Insert:
    """An INSERT with ``on_conflict_do_update`` and ``excluded``, for the connection's database."""
    return INSERTS[connection.dialect.name](table)
