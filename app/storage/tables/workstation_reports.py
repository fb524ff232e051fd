"""What card agents reported of their workstations."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, String, Table

from app.storage.tables.base import UtcDateTime, metadata

workstation_report = Table(
    "workstation_report",
    metadata,
    Column("reference", String(9), primary_key=True),
    Column("received_at", UtcDateTime, nullable=False),
    Column("address", String(45), nullable=False),
    Column("agent_version", String(40), nullable=False),
    Column("findings", JSON, nullable=False),
    Column("cards", JSON, nullable=False),
)

Index("ix_workstation_report_received_at", workstation_report.c.received_at)
