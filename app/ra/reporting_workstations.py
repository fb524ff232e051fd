"""Reports of card agents about their workstations: taken in, kept for a while, and shown to RA staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.workstation_report import (
    KEPT_FOR,
    MOST_KEPT,
    CardSeen,
    Finding,
    WorkstationReport,
    new_reference,
)
from app.errors import NotFound
from app.ra.desk_access import STRANGER
from app.ra.ports import Database

_SHOWN = 100


class ReportingWorkstations:
    """Takes reports in from anybody, and shows them to those who may read them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def receive(
        self, findings: Sequence[Finding], cards: Sequence[CardSeen], agent_version: str, address: str
    ) -> str:
        """Keep a report and return its reference. Old ones, and the oldest of too many, are dropped."""
        reference = new_reference()
        actor = replace(STRANGER, name="a workstation", address=address)
        with self._database.audited(
            actor, "workstation_report.received", reference, reference=reference
        ) as work:
            work.workstation_reports.drop(work.now - KEPT_FOR, MOST_KEPT - 1)
            work.workstation_reports.add(
                WorkstationReport(reference, work.now, address, agent_version, findings, cards)
            )
        return reference

    def newest(self, actor: Actor) -> Sequence[WorkstationReport]:
        """The newest reports, newest first.

        Raises:
            NotPermitted
        """
        actor.require(Permission.READ_WORKSTATION_REPORTS)
        with self._database.read() as work:
            return work.workstation_reports.newest(_SHOWN)

    def report(self, actor: Actor, reference: str) -> WorkstationReport:
        """The report with that reference.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.READ_WORKSTATION_REPORTS)
        with self._database.read() as work:
            found = work.workstation_reports.get(reference)
        if found is None:
            raise NotFound(
                "There is no workstation report with this reference. Ask the caller to read it out again."
            )
        return found
