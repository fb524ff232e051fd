"""The ceremony that begins a registration authority."""

from __future__ import annotations

from app.adapters.photo import PillowPhotos
from app.bootstrap.permissions import permissions
from app.ra.founding import FoundingCeremony
from app.storage.database import Database


def founding_ceremony(database: Database) -> FoundingCeremony:
    """The ceremony that makes the first two people, once."""
    return FoundingCeremony(database, PillowPhotos(), permissions())
