"""A provider with two relying parties and somebody signed in, on each kind of database."""

from __future__ import annotations

import pytest

from app.storage.database import Database
from tests.support.openid_provider import Provider
from tests.support.sign_in import StaffRegister
from tests.support.ward import ward

__all__ = ["provider", "provider_on_sqlite", "ward"]


@pytest.fixture
def provider(database: Database) -> Provider:
    """On each kind of database."""
    return Provider(StaffRegister(database))


@pytest.fixture
def provider_on_sqlite(sqlite_database: Database) -> Provider:
    """For what the database makes no difference to."""
    return Provider(StaffRegister(sqlite_database))
