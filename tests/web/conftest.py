"""The site, founded and signed in to, for every test of pages."""

from __future__ import annotations

from tests.support.databases import sqlite_database, sqlite_template
from tests.support.registration_authority import office, unfounded
from tests.support.web import database, site

__all__ = ["database", "office", "site", "sqlite_database", "sqlite_template", "unfounded"]
