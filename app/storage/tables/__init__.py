"""The tables, one file an area. ``metadata`` holds them all."""

from app.storage.tables import (
    access,
    audit,
    cards,
    comparisons,
    migration,
    openid,
    organisation_loads,
    organisations,
    outbox,
    people,
    rate_limits,
    reference,
    samples,
    sequences,
    sessions,
    system_requests,
    systems,
)
from app.storage.tables.base import metadata

__all__ = [
    "access",
    "audit",
    "cards",
    "comparisons",
    "metadata",
    "migration",
    "openid",
    "organisation_loads",
    "organisations",
    "outbox",
    "people",
    "rate_limits",
    "reference",
    "samples",
    "sequences",
    "sessions",
    "system_requests",
    "systems",
]
