"""National role-based access control in versions, and the runs that imported reference data.

A version is never changed: what was in force on a past day can still be answered.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    Text,
)

from app.storage.tables.base import UtcDateTime, metadata

rbac_version = Table(
    "rbac_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(60), nullable=False),
    # Unique: on every day, one version is in force.
    Column("effective_from", Date, nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
)

job_role = Table(
    "job_role",
    metadata,
    Column("version_id", ForeignKey("rbac_version.id"), primary_key=True),
    Column("code", String(20), primary_key=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("staff_group", Text, nullable=False),
    Column("three_part_code", String(40), nullable=False),
    Column("three_part_name", Text, nullable=False),
)

activity = Table(
    "activity",
    metadata,
    Column("version_id", ForeignKey("rbac_version.id"), primary_key=True),
    Column("code", String(20), primary_key=True),
    Column("public_name", Text, nullable=False),
    Column("used_for", Text, nullable=False),
    Column("confidence", Text, nullable=False),
)

activity_inclusion = Table(
    "activity_inclusion",
    metadata,
    Column("version_id", Integer, primary_key=True),
    Column("activity_code", String(20), primary_key=True),
    Column("satisfied_by", String(20), primary_key=True),
    ForeignKeyConstraint(
        ["version_id", "activity_code"],
        ["activity.version_id", "activity.code"],
        name="fk_activity_inclusion_activity",
    ),
    ForeignKeyConstraint(
        ["version_id", "satisfied_by"],
        ["activity.version_id", "activity.code"],
        name="fk_activity_inclusion_satisfied_by",
    ),
    CheckConstraint("activity_code <> satisfied_by", name="includes_another"),
)

baseline_activity = Table(
    "baseline_activity",
    metadata,
    Column("version_id", Integer, primary_key=True),
    Column("job_role_code", String(20), primary_key=True),
    Column("activity_code", String(20), primary_key=True),
    ForeignKeyConstraint(
        ["version_id", "job_role_code"],
        ["job_role.version_id", "job_role.code"],
        name="fk_baseline_activity_job_role",
    ),
    ForeignKeyConstraint(
        ["version_id", "activity_code"],
        ["activity.version_id", "activity.code"],
        name="fk_baseline_activity_activity",
    ),
)

area_of_work = Table(
    "area_of_work",
    metadata,
    Column("version_id", ForeignKey("rbac_version.id"), primary_key=True),
    Column("code", String(40), primary_key=True),
    Column("name", Text, nullable=False),
)

import_run = Table(
    "import_run",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("source", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    CheckConstraint("kind IN ('organisations', 'rbac')", name="kind_is_known"),
)

import_refusal = Table(
    "import_refusal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("import_run.id"), nullable=False, index=True),
    Column("file", String(60), nullable=False),
    Column("line", Integer, nullable=False),
    Column("row", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
