"""Cards, the issuances that put them into people's hands, and their certificates.

Constraints that hold whatever the code does: one live card a person and one temporary beside it, one open
issuance a person and a card, no operator issues to themselves, one certificate a key.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
    text,
)

from app.storage.tables.base import UtcDateTime, metadata

LIVE_CARD = "status IN ('active', 'locked', 'suspended', 'expiring')"
OPEN_ISSUANCE = "status IN ('begun', 'approved', 'personalising', 'certified')"

card = Table(
    "card",
    metadata,
    Column("serial", String(40), primary_key=True),
    Column("card_profile", String(40), nullable=False),
    Column("holder_uid", ForeignKey("person.uid"), index=True),
    Column("status", String(20), nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("activated_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("ended_reason", Text),
    Column("is_temporary", Boolean, nullable=False, server_default=false()),
    Column("usable_from", Date),
    # Set while it works and a new card shall take its place: the reason with which it will be cancelled.
    Column("replace_for", String(20)),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint(
        "status IN ('stock', 'assigned', 'personalised', 'active', 'locked', 'suspended', 'expiring',"
        " 'expired', 'cancelled', 'recycled', 'destroyed', 'lost', 'stolen', 'damaged', 'faulty')",
        name="status_is_known",
    ),
    CheckConstraint(
        "holder_uid IS NOT NULL OR status IN ('stock', 'recycled', 'destroyed', 'damaged', 'faulty')",
        name="in_use_has_a_holder",
    ),
    Index(
        "uq_card_live_holder",
        "holder_uid",
        "is_temporary",
        unique=True,
        sqlite_where=text(LIVE_CARD),
        postgresql_where=text(LIVE_CARD),
    ),
)

card_issuance = Table(
    "card_issuance",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("uid", ForeignKey("person.uid"), nullable=False, index=True),
    Column("card_serial", ForeignKey("card.serial")),
    Column("status", String(20), nullable=False),
    # Issued locked: nobody knows the PIN, and the holder's first one is set by unlocking.
    Column("is_locked", Boolean, nullable=False, server_default=false()),
    Column("usable_from", Date),
    # A temporary access card: how long its certificates last, and why it is needed.
    Column("temporary_hours", Integer),
    Column("temporary_reason", String(40)),
    Column("operator_uid", ForeignKey("person.uid")),
    Column("operator_role_profile", String(12)),
    Column("founding_id", ForeignKey("founding.id")),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    # [{"name", "at", "outcome", "reason"?}] in the order in which they happened.
    Column("steps", JSON, nullable=False),
    # SHA-256 in hexadecimal: the values themselves are known to the desk alone.
    Column("ticket_hash", String(64), unique=True),
    Column("ticket_expires_at", UtcDateTime),
    Column("job_token_hash", String(64), unique=True),
    Column("job_token_expires_at", UtcDateTime),
    # {"statement", "signature", "certificate"} in base64, or {"founding_digest"} in hexadecimal.
    Column("approval", JSON),
    Column("authentication_csr", LargeBinary),
    Column("content_commitment_csr", LargeBinary),
    # By the desk key that the approval names, over both keys.
    Column("keys_signature", LargeBinary),
    Column("provenance", JSON),
    Column("completion_nonce", String(64)),
    CheckConstraint(
        "status IN ('begun', 'approved', 'personalising', 'certified', 'active', 'undone')",
        name="status_is_known",
    ),
    CheckConstraint("operator_uid <> uid", name="operator_is_not_the_holder"),
    CheckConstraint("(operator_uid IS NULL) <> (founding_id IS NULL)", name="has_operator_or_founding"),
    CheckConstraint(
        "status IN ('begun', 'undone') OR approval IS NOT NULL", name="goes_on_only_when_approved"
    ),
    CheckConstraint(
        "status NOT IN ('personalising', 'certified', 'active') OR card_serial IS NOT NULL",
        name="has_a_card",
    ),
    CheckConstraint(
        "operator_uid IS NULL OR authentication_csr IS NULL OR keys_signature IS NOT NULL",
        name="the_approved_desk_signed_the_keys",
    ),
    CheckConstraint("temporary_hours > 0", name="temporary_lasts_a_while"),
    CheckConstraint("(temporary_hours IS NULL) = (temporary_reason IS NULL)", name="temporary_has_a_reason"),
    Index(
        "uq_card_issuance_open_person",
        "uid",
        unique=True,
        sqlite_where=text(OPEN_ISSUANCE),
        postgresql_where=text(OPEN_ISSUANCE),
    ),
    Index(
        "uq_card_issuance_open_card",
        "card_serial",
        unique=True,
        sqlite_where=text(OPEN_ISSUANCE),
        postgresql_where=text(OPEN_ISSUANCE),
    ),
)

# Appended to; only ever confirmed: while a card is initialised it is not known which of two SO PINs it took.
so_pin_escrow = Table(
    "so_pin_escrow",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("card_serial", ForeignKey("card.serial"), nullable=False, index=True),
    # What it was made in: an issuance, or a card job that changed it.
    Column("issuance_id", ForeignKey("card_issuance.id")),
    Column("job_id", ForeignKey("card_job.id")),
    # RSA-OAEP to the escrow key of the CA's token.
    Column("wrapped_so_pin", LargeBinary, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    # When the card was known to have it; the latest of these is the card's SO PIN.
    Column("confirmed_at", UtcDateTime),
    # When it was given to people, or to a computer without network: the card should get another one.
    Column("seen_at", UtcDateTime),
    CheckConstraint("(issuance_id IS NULL) <> (job_id IS NULL)", name="belongs_to_issuance_or_job"),
)

certificate = Table(
    "certificate",
    metadata,
    # Lower-case hexadecimal without leading zeros.
    Column("serial_number", String(40), primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("uid", ForeignKey("person.uid"), nullable=False, index=True),
    Column("card_serial", ForeignKey("card.serial"), nullable=False, index=True),
    # What it was made for: the issuance of the card, or a renewal.
    Column("issuance_id", ForeignKey("card_issuance.id"), index=True),
    Column("renewal_id", ForeignKey("card_job.id"), index=True),
    Column("spki_sha256", String(64), nullable=False, unique=True),
    Column("not_before", UtcDateTime, nullable=False),
    Column("not_after", UtcDateTime, nullable=False, index=True),
    Column("der", LargeBinary, nullable=False),
    # issued: signed, not yet on an active card; active: on an active card; revoked: for good.
    Column("status", String(10), nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("reason", String(30)),
    # Where its key was made, as the certificate authority recorded it: JSON (app/domain/provenance.py).
    Column("provenance", String(2000), nullable=False, server_default=text("''")),
    CheckConstraint("purpose IN ('authentication', 'content-commitment')", name="purpose_is_known"),
    CheckConstraint("status IN ('issued', 'active', 'revoked')", name="status_is_known"),
    CheckConstraint("(issuance_id IS NULL) <> (renewal_id IS NULL)", name="has_issuance_or_renewal"),
    CheckConstraint("(status = 'revoked') = (revoked_at IS NOT NULL)", name="revoked_has_a_time"),
    Index("ix_certificate_issuance_purpose", "issuance_id", "purpose", unique=True),
    Index("ix_certificate_renewal_purpose", "renewal_id", "purpose", unique=True),
)
