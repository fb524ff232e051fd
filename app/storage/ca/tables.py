"""The tables of the certificate authority's own database. It shares no table with the registration authority.

Constraints that hold whatever the code does: a key is certified once in all time, an order gets one
certificate for each purpose, nothing is audited as issued that is not signed, CRL numbers never repeat.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from app.storage.tables.base import UtcDateTime
from app.storage.tables.base import metadata as registration_metadata

metadata = MetaData(naming_convention=registration_metadata.naming_convention)

ceremony = Table(
    "ceremony",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("ceremony_digest", String(64), nullable=False),
    Column("founding_digest", String(64), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("completed_at", UtcDateTime),
    CheckConstraint("id = 1", name="is_held_once"),
)

founding_entry = Table(
    "founding_entry",
    metadata,
    Column("name", String(410), primary_key=True),
    # The order that took it; never taken twice.
    Column("order_id", String(200), unique=True),
)

authority_key = Table(
    "authority_key",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("position", Integer, nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("key_type", String(20), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("spki_sha256", String(64), nullable=False, unique=True),
    Column("certificate", LargeBinary),
    Column("made_at", UtcDateTime, nullable=False),
)

revoked_authority = Table(
    "revoked_authority",
    metadata,
    Column("name", ForeignKey("authority_key.name"), primary_key=True),
    Column("reason", String(30), nullable=False),
    Column("revoked_at", UtcDateTime, nullable=False),
    Column("because", String(1000), nullable=False),
    # Names, as a JSON list.
    Column("witnesses", String(4000), nullable=False),
    # SHA-256 of the reviewed file, hexadecimal.
    Column("digest", String(64), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
)

certificate = Table(
    "certificate",
    metadata,
    # Lower-case hexadecimal without leading zeros.
    Column("serial_number", String(40), primary_key=True),
    Column("issuing_ca", ForeignKey("authority_key.name"), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("order_id", String(200), nullable=False),
    Column("holder", String(40), nullable=False, index=True),
    Column("card_serial", String(40), nullable=False, index=True),
    Column("spki_sha256", String(64), nullable=False, unique=True),
    Column("not_before", UtcDateTime, nullable=False),
    Column("not_after", UtcDateTime, nullable=False, index=True),
    # Whose signatures were verified for the order: what the count of renewals by the holder rests on.
    Column("approved_by", String(20), nullable=False),
    # What is known of where the key was made, as JSON; empty for keys on no card.
    Column("provenance", String(2000), nullable=False),
    # Signed with a throw-away key: what was checked, and what is signed byte for byte.
    Column("linted", LargeBinary, nullable=False),
    Column("intended_at", UtcDateTime, nullable=False),
    Column("audited_at", UtcDateTime),
    Column("signed_at", UtcDateTime),
    Column("der", LargeBinary),
    # Rises with each change of its status; none from a revocation until somebody asks what changed.
    Column("status_position", BigInteger, unique=True),
    UniqueConstraint("order_id", "purpose"),
    CheckConstraint("(der IS NULL) = (signed_at IS NULL)", name="signed_has_a_time"),
    CheckConstraint("audited_at IS NULL OR der IS NOT NULL", name="signed_before_audited"),
    Index(
        "ix_certificate_unfinished",
        "intended_at",
        sqlite_where=text("der IS NULL"),
        postgresql_where=text("der IS NULL"),
    ),
    Index(
        "ix_certificate_unaudited",
        "signed_at",
        sqlite_where=text("audited_at IS NULL AND der IS NOT NULL"),
        postgresql_where=text("audited_at IS NULL AND der IS NOT NULL"),
    ),
    Index(
        "ix_certificate_status_untold",
        "signed_at",
        sqlite_where=text("status_position IS NULL AND der IS NOT NULL"),
        postgresql_where=text("status_position IS NULL AND der IS NOT NULL"),
    ),
)

withdrawn_order = Table(
    "withdrawn_order",
    metadata,
    Column("order_id", String(200), primary_key=True),
    Column("withdrawn_at", UtcDateTime, nullable=False),
)

revocation = Table(
    "revocation",
    metadata,
    Column("serial_number", ForeignKey("certificate.serial_number"), primary_key=True),
    Column("reason", String(30), nullable=False),
    Column("revoked_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    # The first CRL that told it.
    Column("crl_number", BigInteger),
    # The certificate's place among the changes before it was revoked: never given again, or whoever has come
    # as far as that place would not be told of the revocation.
    Column("former_status_position", BigInteger, unique=True),
)

so_pin_release = Table(
    "so_pin_release",
    metadata,
    Column("job_id", String(200), primary_key=True),
    # SHA-256 of the SubjectPublicKeyInfo that it was wrapped to, hexadecimal.
    Column("recipient", String(64), primary_key=True),
    Column("card_serial", String(40), nullable=False),
    Column("basis", String(20), nullable=False),
    Column("released_at", UtcDateTime, nullable=False, index=True),
)

crl = Table(
    "crl",
    metadata,
    Column("issuing_ca", ForeignKey("authority_key.name"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("this_update", UtcDateTime, nullable=False),
    Column("next_update", UtcDateTime, nullable=False),
    Column("der", LargeBinary, nullable=False),
    CheckConstraint("number > 0", name="number_is_positive"),
)

delta_crl = Table(
    "delta_crl",
    metadata,
    Column("issuing_ca", ForeignKey("authority_key.name"), primary_key=True),
    # From the same numbers as the complete CRLs of the CA.
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("base_number", BigInteger, nullable=False),
    Column("this_update", UtcDateTime, nullable=False),
    Column("next_update", UtcDateTime, nullable=False),
    Column("der", LargeBinary, nullable=False),
    CheckConstraint("base_number > 0 AND base_number < number", name="base_comes_before"),
)

receipt = Table(
    "receipt",
    metadata,
    Column("order_id", String(200), primary_key=True),
    # Why the order is carried out, canonical JSON: recorded with the intention.
    Column("reason", LargeBinary, nullable=False),
    # Canonical JSON with its signature, made when the certificates are signed: what a verifier gets.
    Column("document", LargeBinary),
    Column("sha256", String(64)),
    CheckConstraint("(document IS NULL) = (sha256 IS NULL)", name="document_has_a_digest"),
)

sealed_head = Table(
    "sealed_head",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("sealed_at", UtcDateTime, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
