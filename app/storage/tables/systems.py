"""Accredited systems (nhsAs) and message handling systems (nhsMhs): asked for by one, approved by another."""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint, text

from app.storage.tables.base import UtcDateTime, metadata


def _four_eyes() -> tuple[Column[object] | CheckConstraint, ...]:
    return (
        Column("status", String(10), nullable=False),
        Column("requested_by", String(12), nullable=False),
        Column("requested_at", UtcDateTime, nullable=False),
        Column("approved_by", String(12), nullable=False),
        Column("approved_at", UtcDateTime, nullable=False),
        CheckConstraint("requested_by <> approved_by", name="approved_by_another"),
        CheckConstraint("approved_at >= requested_at", name="approved_after_request"),
        CheckConstraint("status IN ('active', 'suspended', 'closed')", name="status_is_known"),
    )


accredited_system = Table(
    "accredited_system",
    metadata,
    Column("asid", String(12), primary_key=True),
    Column("organisation_code", ForeignKey("organisation.code"), nullable=False, index=True),
    Column("party_key", String(30), nullable=False, index=True),
    Column("description", String(200), nullable=False),
    Column("product", String(100), nullable=False),
    Column("product_version", String(40), nullable=False),
    Column("manufacturer_code", String(12), nullable=False),
    # In the order in which they were registered: clients rely on it.
    Column("interactions", JSON, nullable=False),
    # What it may read of the directory, by name, sorted, included rights written out.
    Column("read_rights", JSON, nullable=False),
    *_four_eyes(),
    UniqueConstraint("organisation_code", "product", "party_key", name="uq_accredited_system_product"),
)

system_password = Table(
    "system_password",
    metadata,
    Column("asid", ForeignKey("accredited_system.asid"), primary_key=True),
    Column("password_hash", String(200), nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
)

message_handling_system = Table(
    "message_handling_system",
    metadata,
    # Also its CPA id.
    Column("id", String(64), primary_key=True),
    Column("organisation_code", ForeignKey("organisation.code"), nullable=False),
    Column("party_key", String(30), nullable=False),
    Column("interaction", String(150), nullable=False),
    Column("interaction_type", String(10), nullable=False),
    Column("endpoint", String(300), nullable=False),
    Column("fqdn", String(255), nullable=False),
    Column("product", String(100), nullable=False),
    Column("manufacturer_code", String(12), nullable=False),
    # ebXML reliability by the directory's attribute names, e.g. retries; empty for other protocols.
    Column("reliability", JSON, nullable=False),
    *_four_eyes(),
    Column("dns_approved_by", String(12)),
    Column("dns_approved_at", UtcDateTime),
    CheckConstraint("dns_approved_by <> requested_by", name="dns_approved_by_another"),
    CheckConstraint("(dns_approved_by IS NULL) = (dns_approved_at IS NULL)", name="dns_approval_is_whole"),
    # A closed endpoint stays on record, so that its interaction may be registered again.
    Index(
        "uq_message_handling_system_live",
        "party_key",
        "interaction",
        unique=True,
        sqlite_where=text("status <> 'closed'"),
        postgresql_where=text("status <> 'closed'"),
    ),
    Index("ix_message_handling_system_lookup", "organisation_code", "interaction"),
)
