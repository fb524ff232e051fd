"""People: who they are, the documents that prove it, and their professional registrations."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from app.storage.tables.base import UtcDateTime, metadata

person = Table(
    "person",
    metadata,
    Column("uid", String(12), primary_key=True),
    Column("title", String(35), nullable=False),
    Column("given_name", String(100), nullable=False),
    Column("middle_names", String(100), nullable=False),
    Column("family_name", String(100), nullable=False),
    Column("card_name", String(100), nullable=False),
    # The names without case, accents and punctuation, for searching and finding duplicates.
    Column("given_name_key", String(100), nullable=False),
    Column("family_name_key", String(100), nullable=False),
    # Another directory does not tell it; nobody is registered here without.
    Column("date_of_birth", Date),
    Column("email", String(254), nullable=False),
    Column("mobile", String(20), nullable=False),
    Column("status", String(10), nullable=False),
    Column("photo", LargeBinary, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("registered_by", String(40), nullable=False),
    # What the identity rests on: documents seen here, or what another directory said.
    Column("assurance", String(10), nullable=False, server_default=text("'evidence'")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("length(uid) = 12", name="uid_has_12_digits"),
    CheckConstraint("status IN ('active', 'closed')", name="status_is_known"),
    CheckConstraint("registered_by <> uid", name="registered_by_another"),
    CheckConstraint("assurance IN ('evidence', 'migrated')", name="assurance_is_known"),
    CheckConstraint("assurance = 'migrated' OR date_of_birth IS NOT NULL", name="has_date_of_birth"),
    Index("ix_person_names", "family_name_key", "given_name_key"),
    Index("ix_person_date_of_birth", "date_of_birth"),
    Index("ix_person_email", "email"),
)

# A document that names one person (a passport, a driving licence, a National Insurance number) proves
# nobody else. A bill may be shared by a household. Kinds: app/domain/evidence.py.
IDENTIFYING_KINDS = (
    "kind IN ('uk_passport', 'other_passport', 'uk_driving_licence', 'national_identity_card', "
    "'national_insurance_letter')"
)

identity_evidence = Table(
    "identity_evidence",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("uid", ForeignKey("person.uid"), nullable=False, index=True),
    Column("kind", String(40), nullable=False),
    Column("number", String(40), nullable=False),
    Column("issued_on", Date),
    Column("expires_on", Date),
    Column("checked_by", String(40), nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    CheckConstraint("checked_by <> uid", name="checked_by_another"),
    Index(
        "uq_identity_evidence_document",
        "kind",
        "number",
        unique=True,
        sqlite_where=text(IDENTIFYING_KINDS),
        postgresql_where=text(IDENTIFYING_KINDS),
    ),
)

professional_registration = Table(
    "professional_registration",
    metadata,
    Column("uid", ForeignKey("person.uid"), primary_key=True),
    Column("body", String(20), primary_key=True),
    Column("number", String(20), nullable=False),
    UniqueConstraint("body", "number"),
)
