"""The system of record, as the settings name it."""

from __future__ import annotations

from app.settings import Settings
from app.storage.database import Database


def open_database(settings: Settings) -> Database:
    """The system of record."""
    return Database(settings.database.url)
