"""Alembic runs this file for each command. The connection comes from ``app.storage.ca.migrating``."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from app.storage.ca.tables import metadata


def run(connection: Connection) -> None:
    """Run the migrations on the connection, in its transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        user_module_prefix="tables.",
        version_table="ca_alembic_version",
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
