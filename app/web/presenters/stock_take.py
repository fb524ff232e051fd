"""How stock-takes and their findings are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.stock import Place
from app.domain.stock_take import Decision, Finding, FindingKind, StockTake, TakeStatus
from app.ra.counting_cards import FindingPage, TakePage
from app.web.presenters.card_stock import finding_tag
from app.web.presenters.wording import Cell, Row, TableOf, Tag, counted, moment, moment_cell

_TAKES = {
    TakeStatus.OPEN: Tag("Being counted", "blue"),
    TakeStatus.CLOSED: Tag("Closed", "green"),
    TakeStatus.ABANDONED: Tag("Abandoned", "grey"),
}
_DECISIONS = {
    Decision.WRITE_OFF: (
        "Write it off",
        "Its place is then: missing from stock. It can never be issued unless found.",
    ),
    Decision.FOUND: ("It is found", "It lies where the ledger says."),
    Decision.TAKE_IN: ("Take it into stock here", "It is a blank card of ours that no list brought."),
    Decision.MOVE_HERE: ("It belongs here now", "The ledger is changed: the card is where it was seen."),
    Decision.LEAVE: ("Leave the ledger as it is", "Say in the note what it was, and where the card went."),
}
_DECIDED = {
    Decision.WRITE_OFF: "Written off",
    Decision.FOUND: "Found",
    Decision.TAKE_IN: "Taken into stock",
    Decision.MOVE_HERE: "Moved to where it was seen",
    Decision.LEAVE: "Ledger left as it is",
}
_WHAT = {
    FindingKind.MISSING: "The ledger has this card here, but it was not counted.",
    FindingKind.SURPLUS: "This card was counted here, but the ledger does not know it.",
    FindingKind.WRONG_PLACE: "This card was counted here, but the ledger has it elsewhere.",
    FindingKind.UNEXPECTED: "A desk presented this card as blank, and no delivery had brought it.",
}
_COUNTED_SHOWN = 500
_FINDINGS_SHOWN = 200


@dataclass(frozen=True)
class TakeShown:
    """One stock-take."""

    href: str
    tag: Tag
    what_now: str
    is_open: bool
    details: tuple[Row, ...]
    counted: TableOf
    findings: TableOf | None

    @classmethod
    def of(cls, page: TakePage, uid: str) -> TakeShown:
        """The page of a stock-take, for the person who looks at it."""
        take = page.take
        is_open = take.status is TakeStatus.OPEN
        return cls(
            href=f"/card-stock/stock-takes/{take.id}",
            tag=_TAKES[take.status],
            what_now=_what_now(page),
            is_open=is_open and take.counted_by == uid,
            details=_details(page),
            counted=_counted(page.counted),
            findings=_findings(page.findings) if take.status is TakeStatus.CLOSED else None,
        )


def takes_table(takes: Sequence[StockTake], places: Mapping[str, Place]) -> TableOf:
    """The newest stock-takes."""
    rows = tuple(
        (
            Cell(places[each.place_id].name, href=f"/card-stock/stock-takes/{each.id}"),
            moment_cell(each.begun_at),
            Cell(tag=_TAKES[each.status]),
        )
        for each in takes
    )
    return TableOf("Stock-takes", ("Place", "Begun", "State"), rows, "Nobody has counted yet.")


def _what_now(page: TakePage) -> str:
    if page.take.status is TakeStatus.ABANDONED:
        return "This count was abandoned. It found nothing."
    if page.take.status is TakeStatus.CLOSED:
        found = counted(len(page.findings), "finding")
        return f"{len(page.counted):,} of {page.expected:,} expected counted; {found}."
    return (
        f"{counted(len(page.counted), 'card')} counted so far. Enter or scan every card that lies there, then"
        " close the count."
    )


def _details(page: TakePage) -> tuple[Row, ...]:
    take = page.take
    rows = (
        Row("Place", page.place.name, href=f"/card-stock/places/{take.place_id}"),
        Row("Counted by", page.names.get(take.counted_by, take.counted_by)),
        Row("Begun", moment(take.begun_at)),
        Row("Closed", moment(take.closed_at)),
    )
    return tuple(row for row in rows if row.value)


def _counted(serials: Sequence[str]) -> TableOf:
    rows = tuple((Cell(serial, href=f"/card-stock/cards/{serial}"),) for serial in serials[:_COUNTED_SHOWN])
    return TableOf(f"Counted: {len(serials):,}", ("Card",), rows, "No card has been counted yet.")


def _findings(findings: Sequence[Finding]) -> TableOf:
    """Those to settle first, so that each comes to be shown as those before it are settled."""
    shown = sorted(findings, key=lambda each: not each.is_open)[:_FINDINGS_SHOWN]
    rows = tuple(
        (
            Cell(f"Card {each.serial}", href=f"/card-stock/findings/{each.id}"),
            Cell(tag=finding_tag(each.kind)),
            Cell(_DECIDED[each.decision] if each.decision else "To settle"),
        )
        for each in shown
    )
    number, heads = len(findings), ("Card", "Finding", "Decision")
    caption = (
        "Findings" if number == len(shown) else f"Findings: {len(shown)} of {number:,}, those to settle first"
    )
    return TableOf(caption, heads, rows, "What was counted is what the ledger has.")


@dataclass(frozen=True)
class FindingShown:
    """One finding, and what may be decided about it by whoever looks."""

    href: str
    tag: Tag
    what: str
    what_now: str
    details: tuple[Row, ...]
    decisions: list[dict[str, str]]

    @classmethod
    def of(cls, page: FindingPage) -> FindingShown:
        """The page of a finding."""
        finding = page.finding
        return cls(
            href=f"/card-stock/findings/{finding.id}",
            tag=finding_tag(finding.kind),
            what=_WHAT[finding.kind],
            what_now=_what_next(page),
            details=_finding_details(page),
            decisions=[
                {"value": each.value, "text": _DECISIONS[each][0], "hint": _DECISIONS[each][1]}
                for each in page.decisions
            ],
        )


def _what_next(page: FindingPage) -> str:
    if not page.finding.is_open:
        return "This finding is settled."
    if page.decisions:
        return "Look for the card yourself, then decide."
    return "A second person who may confirm what stock-takes find must decide on this."


def _finding_details(page: FindingPage) -> tuple[Row, ...]:
    finding = page.finding
    by = page.names.get(finding.settled_by or "", finding.settled_by or "")
    rows = (
        Row("Card", finding.serial, href=f"/card-stock/cards/{finding.serial}" if page.recorded else ""),
        Row("Place", page.place.name),
        Row("By the ledger", page.recorded or "Not known"),
        Row(
            "Raised",
            f"{moment(finding.raised_at)} by {page.names.get(finding.raised_by, finding.raised_by)}",
        ),
        Row("Decided", _DECIDED[finding.decision] if finding.decision else ""),
        Row("By", f"{by}, {moment(finding.settled_at)}" if by else ""),
        Row("Note", finding.note),
    )
    return tuple(row for row in rows if row.value)
