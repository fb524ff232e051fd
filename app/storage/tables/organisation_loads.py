"""Loads of organisations: files handed in, what each would change, and closings that people decide on.

The file itself is kept in parts until the load is over, so that any server can read it and read it again.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
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
    text,
)

from app.storage.tables.base import UtcDateTime, metadata

organisation_load = Table(
    "organisation_load",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("file_name", String(200), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("report", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("status", String(10), nullable=False, index=True),
    Column("uploaded_by", String(40), nullable=False),
    Column("uploaded_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Column("applied_by", String(40)),
    Column("applied_role_profile", String(12)),
    Column("applied_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("done", BigInteger, nullable=False, server_default=text("0")),
    Column("total", BigInteger, nullable=False, server_default=text("0")),
    Column("message", Text, nullable=False, server_default=""),
    # Whether each change is announced to the directory; without it, the directory must be rebuilt.
    Column("announces", Boolean, nullable=False),
    Column("findings", JSON, nullable=False),
    CheckConstraint("kind IN ('full', 'delta')", name="kind_is_known"),
    CheckConstraint(
        "status IN ('arriving', 'waiting', 'reading', 'previewed', 'applying', 'applied', 'discarded',"
        " 'failed')",
        name="status_is_known",
    ),
    CheckConstraint(
        "status NOT IN ('applying', 'applied') OR applied_by IS NOT NULL", name="somebody_applied_it"
    ),
)

organisation_load_part = Table(
    "organisation_load_part",
    metadata,
    Column("load_id", ForeignKey("organisation_load.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # A mebibyte of the file, compressed with zlib.
    Column("content", LargeBinary, nullable=False),
)

# Every organisation of the file, so that twice in it and missing in it can be seen.
organisation_load_record = Table(
    "organisation_load_record",
    metadata,
    Column("load_id", ForeignKey("organisation_load.id"), primary_key=True),
    Column("code", String(12), primary_key=True),
    Column("parent_code", String(12)),
    Index("ix_organisation_load_record_parent", "load_id", "parent_code"),
)

organisation_load_succession = Table(
    "organisation_load_succession",
    metadata,
    Column("load_id", ForeignKey("organisation_load.id"), primary_key=True),
    Column("predecessor_code", String(12), primary_key=True),
    Column("successor_code", String(12), primary_key=True),
    Column("happened_on", Date, primary_key=True),
)

organisation_load_change = Table(
    "organisation_load_change",
    metadata,
    Column("load_id", ForeignKey("organisation_load.id"), primary_key=True),
    Column("code", String(12), primary_key=True),
    Column("change", String(10), nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("memberships", JSON(none_as_null=True)),
    # applied, or stale: the organisation had changed since the preview, so nothing was done to it.
    Column("outcome", String(10)),
    Index("ix_organisation_load_change_kind", "load_id", "change", "code"),
    Index("ix_organisation_load_change_outcome", "load_id", "outcome", "code"),
    CheckConstraint("change IN ('new', 'changed', 'closed', 'reopened', 'missing')", name="change_is_known"),
    CheckConstraint("outcome IN ('applied', 'stale')", name="outcome_is_known"),
)

organisation_closing = Table(
    "organisation_closing",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("organisation_code", ForeignKey("organisation.code"), nullable=False),
    # The last day on which it is open.
    Column("closes_on", Date, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("status", String(10), nullable=False),
    Column("not_before", Date),
    Column("decided_by", String(40)),
    Column("decided_role_profile", String(12)),
    Column("decided_at", UtcDateTime),
    Column("note", Text, nullable=False, server_default=""),
    Column("successor_code", String(12)),
    CheckConstraint("status IN ('open', 'ended', 'handed_on', 'reopened')", name="status_is_known"),
    CheckConstraint(
        "status NOT IN ('ended', 'handed_on') OR decided_by IS NOT NULL", name="somebody_decided"
    ),
    Index(
        "uq_organisation_closing_open",
        "organisation_code",
        unique=True,
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
)
