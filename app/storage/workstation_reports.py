"""What card agents reported of their workstations."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, select

from app.domain.workstation_report import CardSeen, Finding, FindingState, WorkstationReport
from app.storage.tables.workstation_reports import workstation_report


class WorkstationReports:
    """The reports, by reference and by age."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, report: WorkstationReport) -> None:
        """Keep a report."""
        row = {
            "reference": report.reference,
            "received_at": report.received_at,
            "address": report.address,
            "agent_version": report.agent_version,
            "findings": [asdict(each) for each in report.findings],
            "cards": [asdict(each) for each in report.cards],
        }
        self._connection.execute(insert(workstation_report).values(**row))

    def get(self, reference: str) -> WorkstationReport | None:
        """The report with that reference."""
        chosen = select(workstation_report).where(workstation_report.c.reference == reference)
        row = self._connection.execute(chosen).one_or_none()
        return _report(row) if row else None

    def newest(self, limit: int) -> list[WorkstationReport]:
        """The newest, newest first."""
        newest_first = workstation_report.c.received_at.desc()
        chosen = select(workstation_report).order_by(newest_first).limit(limit)
        return [_report(row) for row in self._connection.execute(chosen)]

    def drop(self, before: datetime, most: int) -> None:
        """Delete those received before that moment, and all but the newest ``most``."""
        reports = workstation_report
        self._connection.execute(delete(reports).where(reports.c.received_at < before))
        newest_first = reports.c.received_at.desc()
        kept_to = select(reports.c.received_at).order_by(newest_first).offset(most).limit(1)
        oldest_dropped = self._connection.execute(kept_to).scalar_one_or_none()
        if oldest_dropped is not None:
            self._connection.execute(delete(reports).where(reports.c.received_at <= oldest_dropped))


def _report(row: Row) -> WorkstationReport:  # type: ignore[type-arg]  # a row of the table above
    findings = [Finding(**{**each, "state": FindingState(each["state"])}) for each in row.findings]
    cards = [CardSeen(**each) for each in row.cards]
    return WorkstationReport(row.reference, row.received_at, row.address, row.agent_version, findings, cards)
