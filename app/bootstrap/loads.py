"""Loads of organisations."""

from __future__ import annotations

from app.data import shipped
from app.ra.applying_loads import ApplyingLoads
from app.ra.carrying_loads import CarryingLoads
from app.ra.importing_formats import ReadingOrganisations
from app.ra.loading_organisations import LoadingOrganisations
from app.ra.previewing_loads import PreviewingLoads
from app.storage.database import Database


def reading_organisations() -> ReadingOrganisations:
    """Reads files of organisations, with the names of roles and reports that travel with the program."""
    return ReadingOrganisations(shipped.role_kinds(), shipped.ods_reports())


def loading_organisations(database: Database) -> LoadingOrganisations:
    """Loads of organisations, as people see them."""
    return LoadingOrganisations(database, reading_organisations())


def carrying_loads(database: Database) -> CarryingLoads:
    """Carries loads of organisations on."""
    previewing = PreviewingLoads(database, reading_organisations())
    return CarryingLoads(database, previewing, ApplyingLoads(database))
