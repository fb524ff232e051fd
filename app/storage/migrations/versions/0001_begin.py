"""All tables, constraints and triggers of the first release, from one file of SQL for each kind of database.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the statements, which end with a line that has a semicolon alone."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0001_begin.{connection.dialect.name}.sql")
    for statement in file.read_text().split("\n;\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)


def downgrade() -> None:
    """There is nothing before it."""
    raise NotImplementedError("the first migration cannot be undone: remove the database instead")
