"""Organisations and memberships, as the Organisation Data Service lists them.

Parents are not foreign keys: the files are of different years, and some parents and members are in none.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Date, Index, String, Table, Text, false, text

from app.storage.tables.base import UtcDateTime, metadata

organisation = Table(
    "organisation",
    metadata,
    Column("code", String(12), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(60), nullable=False),
    Column("kind_code", String(10), nullable=False),
    Column("status", String(10), nullable=False),
    Column("address", JSON, nullable=False),
    Column("postcode", String(10), nullable=False),
    Column("telephone", String(40), nullable=False),
    Column("opened_on", Date),
    Column("closed_on", Date),
    Column("parent_code", String(12), index=True),
    Column("successor_code", String(12)),
    Column("joined_on", Date),
    Column("left_on", Date),
    Column("national_grouping", String(12), nullable=False),
    Column("health_geography", String(12), nullable=False),
    Column("sub_type", String(10), nullable=False),
    Column("source", String(20), nullable=False),
    Column("is_site", Boolean, nullable=False, server_default=false()),
    Column("role_codes", JSON, nullable=False, server_default=text("'[]'")),
    Column("uprn", String(12), nullable=False, server_default=""),
    Column("legal_from", Date),
    Column("legal_until", Date),
    # The words that searching compares, each behind a space.
    Column("search_text", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False, index=True),
    CheckConstraint("status IN ('active', 'closed', 'dormant', 'proposed')", name="status_is_known"),
)

organisation_membership = Table(
    "organisation_membership",
    metadata,
    Column("organisation_code", String(12), primary_key=True),
    Column("parent_code", String(12), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("joined_on", Date, primary_key=True),
    Column("left_on", Date),
    CheckConstraint("left_on IS NULL OR left_on >= joined_on", name="left_after_joining"),
    Index("ix_organisation_membership_parent", "parent_code"),
)
