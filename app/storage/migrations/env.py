"""Alembic runs this file for each command. The connection comes from ``app.storage.migrating``."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from app.storage.tables import metadata

# Any number that nothing else in the database locks: two starting servers migrate one after the other.
_MIGRATION_LOCK = text("SELECT pg_advisory_xact_lock(7205759403792794)")


def run(connection: Connection) -> None:
    """Run the migrations on the connection, in its transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(_MIGRATION_LOCK)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        user_module_prefix="tables.",
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
