"""How reports of workstations are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.workstation_report import CardSeen, Finding, FindingState, WorkstationReport
from app.web.presenters.wording import Cell, Row, TableOf, Tag, moment, moment_cell

_STATES = {
    FindingState.FINE: Tag("Fine", "green"),
    FindingState.WARNING: Tag("Look at this", "yellow"),
    FindingState.PROBLEM: Tag("Problem", "red"),
}


def reports_table(reports: Sequence[WorkstationReport]) -> TableOf:
    """Reports, newest first."""
    return TableOf(
        "Newest reports",
        ("Reference", "When", "From", "State"),
        tuple(_row(report) for report in reports),
        when_empty="No workstation has sent a report.",
    )


def _row(report: WorkstationReport) -> tuple[Cell, ...]:
    problems = [each.what for each in report.findings if each.state is report.worst]
    found = "" if report.worst is FindingState.FINE else problems[0]
    return (
        Cell(report.reference, href=f"/workstation-reports/{report.reference}"),
        moment_cell(report.received_at),
        Cell(report.address),
        Cell(found, tag=_STATES[report.worst]),
    )


@dataclass(frozen=True)
class WorkstationPage:
    """One report: where it is from, what is wrong first, and the cards that lay in the readers."""

    details: tuple[Row, ...]
    findings: TableOf
    cards: TableOf

    @classmethod
    def of(cls, report: WorkstationReport) -> WorkstationPage:
        """The page's parts; what the workstation wrote is shown as text and never as anything else."""
        order = list(FindingState)
        worst_first = sorted(report.findings, key=lambda each: -order.index(each.state))
        return cls(
            details=(
                Row("Received", moment(report.received_at)),
                Row("From the address", report.address),
                Row("Card agent", report.agent_version),
            ),
            findings=TableOf(
                "What the card agent found",
                ("State", "What it means", "What to do"),
                tuple(_finding(each) for each in worst_first),
                when_empty="Nothing was looked at.",
            ),
            cards=TableOf(
                "Cards in its readers",
                ("Serial number", "Holder"),
                tuple(_card(card) for card in report.cards),
                when_empty="No card lay in a reader.",
            ),
        )


def _finding(finding: Finding) -> tuple[Cell, ...]:
    return (
        Cell(finding.what, tag=_STATES[finding.state]),
        Cell(finding.why),
        Cell(finding.to_do),
    )


def _card(card: CardSeen) -> tuple[Cell, ...]:
    if not card.holder_uid:
        return (Cell(card.serial), Cell("nobody yet"))
    return (Cell(card.serial), Cell(card.holder_uid, f"/people/{card.holder_uid}"))
