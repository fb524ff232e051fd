"""Access: positions, the requests for them, and the role profiles that granted requests make.

The rules of two people stand here again as constraints: nobody asks for themselves, nobody decides their
own request or one about themselves, and a role profile hangs on a granted request of that very person
(or on the founding ceremony, of which there can be one).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from app.storage.tables.base import UtcDateTime, metadata

founding = Table(
    "founding",
    metadata,
    # One row, ever: the ceremony cannot be repeated.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("organisation_code", String(12), nullable=False),
    Column("held_on", Date, nullable=False),
    Column("witnesses", JSON, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("id = 1", name="happens_once"),
)

position = Table(
    "position",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("organisation_code", String(12), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("notes", Text, nullable=False),
    Column("approved_by", String(100), nullable=False),
    Column("approved_on", Date, nullable=False),
    Column("approval_reference", String(100), nullable=False),
    Column("status", String(10), nullable=False),
    Column("created_by", String(40), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("status IN ('open', 'closed')", name="status_is_known"),
    CheckConstraint("approved_by <> '' AND approval_reference <> ''", name="is_approved"),
    Index(
        "uq_position_open_name",
        "organisation_code",
        "name",
        unique=True,
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
)

position_access_profile = Table(
    "position_access_profile",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("position_id", ForeignKey("position.id"), nullable=False, index=True),
    Column("organisation_code", String(12), nullable=False),
    Column("job_role_code", String(20), nullable=False),
    Column("activity_codes", JSON, nullable=False),
    Column("workgroups", JSON, nullable=False),
)

access_request = Table(
    "access_request",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("subject_uid", ForeignKey("person.uid"), nullable=False, index=True),
    Column("position_id", ForeignKey("position.id"), nullable=False),
    Column("organisation_code", String(12), nullable=False, index=True),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),
    Column("reason", Text, nullable=False),
    Column("status", String(10), nullable=False, index=True),
    Column("requested_by", String(40), nullable=False, index=True),
    Column("requested_role_profile", String(12)),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("taken_by", String(40)),
    Column("taken_until", UtcDateTime),
    Column("decided_by", String(40)),
    Column("decided_role_profile", String(12)),
    Column("decided_at", UtcDateTime),
    Column("decision_note", Text),
    UniqueConstraint("id", "subject_uid", "status", name="uq_access_request_outcome"),
    CheckConstraint("status IN ('open', 'granted', 'rejected')", name="status_is_known"),
    CheckConstraint("requested_by <> subject_uid", name="requested_by_another"),
    CheckConstraint("decided_by <> requested_by", name="decided_by_another_than_asked"),
    CheckConstraint("decided_by <> subject_uid", name="decided_by_another_than_subject"),
    CheckConstraint(
        "(status = 'open') = (decided_by IS NULL) AND (status = 'open') = (decided_at IS NULL)",
        name="decision_has_a_decider",
    ),
    CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ends_after_start"),
    Index(
        "uq_access_request_open",
        "subject_uid",
        "position_id",
        unique=True,
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
)

organisation_person = Table(
    "organisation_person",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("uid", ForeignKey("person.uid"), nullable=False),
    Column("organisation_code", String(12), nullable=False, index=True),
    Column("opened_on", Date, nullable=False),
    Column("closed_on", Date),
    UniqueConstraint("uid", "organisation_code"),
    UniqueConstraint("id", "uid", "organisation_code", name="uq_organisation_person_whole"),
)

role_profile = Table(
    "role_profile",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("organisation_person_id", String(12), nullable=False, index=True),
    Column("uid", ForeignKey("person.uid"), nullable=False, index=True),
    Column("organisation_code", String(12), nullable=False, index=True),
    Column("position_id", ForeignKey("position.id"), nullable=False, index=True),
    Column("request_id", String(36)),
    # Always 'granted': with the foreign key below, no role profile without a granted request of its person.
    Column("request_status", String(10)),
    Column("founding_id", ForeignKey("founding.id")),
    # Taken over from another directory, where people had granted it.
    Column("migration_id", ForeignKey("migration.id")),
    Column("job_role_code", String(20), nullable=False),
    Column("activity_codes", JSON, nullable=False),
    Column("workgroups", JSON, nullable=False),
    Column("starts_on", Date, nullable=False, index=True),
    Column("ends_on", Date, index=True),
    Column("granted_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    # Empty also where it was withdrawn by a decision about its organisation, or before it was taken over.
    Column("withdrawn_by", ForeignKey("person.uid")),
    ForeignKeyConstraint(
        ["request_id", "uid", "request_status"],
        ["access_request.id", "access_request.subject_uid", "access_request.status"],
        name="fk_role_profile_granted_request",
    ),
    ForeignKeyConstraint(
        ["organisation_person_id", "uid", "organisation_code"],
        ["organisation_person.id", "organisation_person.uid", "organisation_person.organisation_code"],
        name="fk_role_profile_organisation_person",
    ),
    CheckConstraint(
        "(founding_id IS NULL AND migration_id IS NULL AND request_id IS NOT NULL"
        " AND request_status IS NOT NULL AND request_status = 'granted')"
        " OR (founding_id IS NOT NULL AND migration_id IS NULL AND request_id IS NULL"
        " AND request_status IS NULL)"
        " OR (migration_id IS NOT NULL AND founding_id IS NULL AND request_id IS NULL"
        " AND request_status IS NULL)",
        name="was_granted_founded_or_migrated",
    ),
    CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ends_after_start"),
    CheckConstraint("withdrawn_by IS NULL OR withdrawn_by <> uid", name="withdrawn_by_another"),
    CheckConstraint("withdrawn_by IS NULL OR withdrawn_at IS NOT NULL", name="withdrawn_at_known"),
)
