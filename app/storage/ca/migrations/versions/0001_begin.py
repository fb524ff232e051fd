"""Begin the certificate authority's record.

Revision ID: 0001
Revises:
Create Date: 2026-11-22 16:41:37.837294
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.storage.tables import base as tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    _authority_key()
    _revoked_authority()
    _ceremony()
    _founding_entry()
    _sealed_head()
    _withdrawn_order()
    _certificate()
    _crl()
    _delta_crl()
    _receipt()
    _so_pin_release()
    _revocation()


def _authority_key() -> None:
    op.create_table(
        "authority_key",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key_type", sa.String(length=20), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("spki_sha256", sa.String(length=64), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_authority_key")),
        sa.UniqueConstraint("position", name=op.f("uq_authority_key_position")),
        sa.UniqueConstraint("spki_sha256", name=op.f("uq_authority_key_spki_sha256")),
    )


def _revoked_authority() -> None:
    op.create_table(
        "revoked_authority",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("revoked_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("because", sa.String(length=1000), nullable=False),
        sa.Column("witnesses", sa.String(length=4000), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["authority_key.name"], name=op.f("fk_revoked_authority_name")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_revoked_authority")),
    )


def _ceremony() -> None:
    op.create_table(
        "ceremony",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ceremony_digest", sa.String(length=64), nullable=False),
        sa.Column("founding_digest", sa.String(length=64), nullable=False),
        sa.Column("began_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("completed_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_ceremony_is_held_once")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ceremony")),
    )


def _founding_entry() -> None:
    op.create_table(
        "founding_entry",
        sa.Column("name", sa.String(length=410), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_founding_entry")),
        sa.UniqueConstraint("order_id", name=op.f("uq_founding_entry_order_id")),
    )


def _sealed_head() -> None:
    op.create_table(
        "sealed_head",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_sealed_head")),
    )


def _withdrawn_order() -> None:
    op.create_table(
        "withdrawn_order",
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("withdrawn_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_withdrawn_order")),
    )


def _certificate() -> None:
    op.create_table(
        "certificate",
        sa.Column("serial_number", sa.String(length=40), nullable=False),
        sa.Column("issuing_ca", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("card_serial", sa.String(length=40), nullable=False),
        sa.Column("spki_sha256", sa.String(length=64), nullable=False),
        sa.Column("not_before", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("not_after", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(length=20), nullable=False),
        sa.Column("provenance", sa.String(length=2000), nullable=False),
        sa.Column("linted", sa.LargeBinary(), nullable=False),
        sa.Column("intended_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("audited_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("signed_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("der", sa.LargeBinary(), nullable=True),
        sa.Column("status_position", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(der IS NULL) = (signed_at IS NULL)", name=op.f("ck_certificate_signed_has_a_time")
        ),
        sa.CheckConstraint(
            "audited_at IS NULL OR der IS NOT NULL", name=op.f("ck_certificate_signed_before_audited")
        ),
        sa.ForeignKeyConstraint(
            ["issuing_ca"], ["authority_key.name"], name=op.f("fk_certificate_issuing_ca")
        ),
        sa.PrimaryKeyConstraint("serial_number", name=op.f("pk_certificate")),
        sa.UniqueConstraint("order_id", "purpose", name=op.f("uq_certificate_order_id")),
        sa.UniqueConstraint("spki_sha256", name=op.f("uq_certificate_spki_sha256")),
        sa.UniqueConstraint("status_position", name=op.f("uq_certificate_status_position")),
    )
    _certificate_indexes()


def _certificate_indexes() -> None:
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_card_serial"), ["card_serial"], unique=False)
        batch_op.create_index(batch_op.f("ix_certificate_holder"), ["holder"], unique=False)
        batch_op.create_index(batch_op.f("ix_certificate_not_after"), ["not_after"], unique=False)
        batch_op.create_index(
            "ix_certificate_unfinished",
            ["intended_at"],
            unique=False,
            sqlite_where=sa.text("der IS NULL"),
            postgresql_where=sa.text("der IS NULL"),
        )
        batch_op.create_index(
            "ix_certificate_unaudited",
            ["signed_at"],
            unique=False,
            sqlite_where=sa.text("audited_at IS NULL AND der IS NOT NULL"),
            postgresql_where=sa.text("audited_at IS NULL AND der IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_certificate_status_untold",
            ["signed_at"],
            unique=False,
            sqlite_where=sa.text("status_position IS NULL AND der IS NOT NULL"),
            postgresql_where=sa.text("status_position IS NULL AND der IS NOT NULL"),
        )


def _so_pin_release() -> None:
    op.create_table(
        "so_pin_release",
        sa.Column("job_id", sa.String(length=200), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column("card_serial", sa.String(length=40), nullable=False),
        sa.Column("basis", sa.String(length=20), nullable=False),
        sa.Column("released_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "recipient", name=op.f("pk_so_pin_release")),
    )
    with op.batch_alter_table("so_pin_release", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_so_pin_release_released_at"), ["released_at"], unique=False)


def _crl() -> None:
    op.create_table(
        "crl",
        sa.Column("issuing_ca", sa.String(length=60), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("this_update", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("next_update", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_crl_number_is_positive")),
        sa.ForeignKeyConstraint(["issuing_ca"], ["authority_key.name"], name=op.f("fk_crl_issuing_ca")),
        sa.PrimaryKeyConstraint("issuing_ca", "number", name=op.f("pk_crl")),
    )


def _delta_crl() -> None:
    op.create_table(
        "delta_crl",
        sa.Column("issuing_ca", sa.String(length=60), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("base_number", sa.BigInteger(), nullable=False),
        sa.Column("this_update", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("next_update", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "base_number > 0 AND base_number < number", name=op.f("ck_delta_crl_base_comes_before")
        ),
        sa.ForeignKeyConstraint(["issuing_ca"], ["authority_key.name"], name=op.f("fk_delta_crl_issuing_ca")),
        sa.PrimaryKeyConstraint("issuing_ca", "number", name=op.f("pk_delta_crl")),
    )


def _receipt() -> None:
    op.create_table(
        "receipt",
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "(document IS NULL) = (sha256 IS NULL)", name=op.f("ck_receipt_document_has_a_digest")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_receipt")),
    )


def _revocation() -> None:
    op.create_table(
        "revocation",
        sa.Column("serial_number", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("revoked_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("crl_number", sa.BigInteger(), nullable=True),
        sa.Column("former_status_position", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["serial_number"], ["certificate.serial_number"], name=op.f("fk_revocation_serial_number")
        ),
        sa.PrimaryKeyConstraint("serial_number", name=op.f("pk_revocation")),
        sa.UniqueConstraint("former_status_position", name=op.f("uq_revocation_former_status_position")),
    )


def downgrade() -> None:
    """Remove every table."""
    op.drop_table("so_pin_release")
    op.drop_table("revocation")
    op.drop_table("receipt")
    op.drop_table("delta_crl")
    op.drop_table("crl")
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_certificate_unfinished",
            sqlite_where=sa.text("der IS NULL"),
            postgresql_where=sa.text("der IS NULL"),
        )
        batch_op.drop_index(
            "ix_certificate_status_untold",
            sqlite_where=sa.text("status_position IS NULL AND der IS NOT NULL"),
            postgresql_where=sa.text("status_position IS NULL AND der IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_certificate_holder"))

    op.drop_table("certificate")
    op.drop_table("withdrawn_order")
    op.drop_table("sealed_head")
    op.drop_table("founding_entry")
    op.drop_table("ceremony")
    op.drop_table("authority_key")
