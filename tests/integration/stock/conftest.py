"""The fixtures of the stock ledger's tests."""

from __future__ import annotations

from tests.support.databases import (
    database,
    postgresql_cluster,
    postgresql_database,
    postgresql_template,
    sqlite_database,
    sqlite_template,
)
from tests.support.registration_authority import office, unfounded

__all__ = [
    "database",
    "office",
    "postgresql_cluster",
    "postgresql_database",
    "postgresql_template",
    "sqlite_database",
    "sqlite_template",
    "unfounded",
]
