"""Requests about systems, and the client certificates that systems got.

The rule of two people stands here again: whoever asked neither decides nor checks the host names, be it in
another role profile. Only a suspension is without a second person.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from app.storage.tables.base import UtcDateTime, metadata


def _one_open(name: str, columns: tuple[str, ...], kinds: str) -> Index:
    condition = text(f"status = 'open' AND kind {kinds}")
    return Index(name, *columns, unique=True, sqlite_where=condition, postgresql_where=condition)


system_request = Table(
    "system_request",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("asid", ForeignKey("accredited_system.asid"), index=True),
    Column("organisation_code", ForeignKey("organisation.code"), nullable=False, index=True),
    Column("product", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", String(12), nullable=False, index=True),
    Column("requested_role_profile", String(12), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False, index=True),
    Column("details", JSON),
    Column("csr", LargeBinary),
    Column("spki_sha256", String(64)),
    Column("batch", String(36), index=True),
    Column("new_hosts", JSON, nullable=False),
    Column("status", String(10), nullable=False, index=True),
    Column("hosts_checked_by", String(12)),
    Column("hosts_checked_role_profile", String(12)),
    Column("hosts_checked_at", UtcDateTime),
    Column("hosts_found", JSON),
    Column("decided_by", String(12)),
    Column("decided_role_profile", String(12)),
    Column("decided_at", UtcDateTime),
    Column("decision_note", Text, nullable=False),
    CheckConstraint(
        "kind IN ('register', 'change', 'suspend', 'resume', 'withdraw', 'certificate')",
        name="kind_is_known",
    ),
    CheckConstraint(
        "status IN ('open', 'approved', 'rejected', 'cancelled', 'at_once')", name="status_is_known"
    ),
    CheckConstraint("decided_by <> requested_by", name="decided_by_another"),
    CheckConstraint("decided_role_profile <> requested_role_profile", name="decided_in_another_role"),
    CheckConstraint("hosts_checked_by <> requested_by", name="hosts_checked_by_another"),
    CheckConstraint(
        "(status IN ('approved', 'rejected')) = (decided_by IS NOT NULL)"
        " AND (status IN ('approved', 'rejected')) = (decided_role_profile IS NOT NULL)"
        " AND (status IN ('approved', 'rejected')) = (decided_at IS NOT NULL)",
        name="decision_has_a_decider",
    ),
    CheckConstraint("(kind = 'suspend') = (status = 'at_once')", name="only_suspensions_are_alone"),
    CheckConstraint("(kind = 'certificate') = (csr IS NOT NULL)", name="only_certificates_have_a_csr"),
    _one_open("uq_system_request_open", ("asid",), "<> 'certificate'"),
    _one_open("uq_system_request_open_certificate", ("asid",), "= 'certificate'"),
    _one_open("uq_system_request_open_product", ("organisation_code", "product"), "= 'register'"),
)

system_certificate = Table(
    "system_certificate",
    metadata,
    # Lower-case hexadecimal.
    Column("serial_number", String(40), primary_key=True),
    Column("asid", ForeignKey("accredited_system.asid"), nullable=False, index=True),
    # None where it was made at the certificate authority's own machine.
    Column("request_id", ForeignKey("system_request.id"), unique=True),
    Column("spki_sha256", String(64), nullable=False, unique=True),
    Column("not_before", UtcDateTime, nullable=False),
    Column("not_after", UtcDateTime, nullable=False, index=True),
    Column("der", LargeBinary, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("revoked_by", String(40)),
    Column("reason", String(30)),
    CheckConstraint(
        "(revoked_at IS NULL) = (reason IS NULL) AND (revoked_at IS NULL) = (revoked_by IS NULL)",
        name="revocation_has_a_reason",
    ),
)
