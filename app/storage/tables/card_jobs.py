"""Card jobs: what is done with cards at desks besides issuing them, and who signed for it.

Constraints that hold whatever the code does: no operator works on their own card, nobody signs for their own
card, nobody signs one job twice, one open job of a kind for a card.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from app.storage.tables.base import UtcDateTime, metadata

OPEN_JOB = "status IN ('begun', 'approved')"

card_job = Table(
    "card_job",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("uid", ForeignKey("person.uid"), nullable=False, index=True),
    Column("card_serial", ForeignKey("card.serial"), nullable=False, index=True),
    Column("status", String(20), nullable=False),
    Column("operator_uid", ForeignKey("person.uid")),
    Column("operator_role_profile", String(12)),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    # [{"name", "at", "outcome", "reason"?}] in the order in which they happened.
    Column("steps", JSON, nullable=False),
    # SHA-256 in hexadecimal: the values themselves are known to the desk alone.
    Column("ticket_hash", String(64), unique=True),
    Column("ticket_expires_at", UtcDateTime),
    Column("job_token_hash", String(64), unique=True),
    Column("job_token_expires_at", UtcDateTime),
    # What the kind remembers from step to step.
    Column("facts", JSON, nullable=False),
    CheckConstraint(
        "kind IN ('unlock', 'renew', 'repair', 'clear', 'export', 'change_so_pin')", name="kind_is_known"
    ),
    CheckConstraint("kind <> 'change_so_pin' OR operator_uid IS NULL", name="change_is_the_holders_own"),
    CheckConstraint("status IN ('begun', 'approved', 'done', 'undone')", name="status_is_known"),
    CheckConstraint("operator_uid <> uid", name="operator_is_not_the_holder"),
    CheckConstraint("(status IN ('done', 'undone')) = (finished_at IS NOT NULL)", name="finished_has_a_time"),
    # What card_job_approval refers to.
    UniqueConstraint("id", "uid", name="uq_card_job_id_uid"),
    Index(
        "uq_card_job_open_card",
        "card_serial",
        "kind",
        unique=True,
        sqlite_where=text(OPEN_JOB),
        postgresql_where=text(OPEN_JOB),
    ),
)

card_job_approval = Table(
    "card_job_approval",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("signer_uid", ForeignKey("person.uid"), primary_key=True),
    Column("holder_uid", String(12), nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    # The holder is the job's, so that the next constraint cannot be talked round.
    ForeignKeyConstraint(["job_id", "holder_uid"], ["card_job.id", "card_job.uid"]),
    CheckConstraint("signer_uid <> holder_uid", name="signer_is_not_the_holder"),
)
