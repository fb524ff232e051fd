"""What the requests dashboard and the page of one request show."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.request import RequestStatus
from app.ra.records import RequestRecord, RequestSummary
from app.web.presenters.position import Reference, access_profiles_table
from app.web.presenters.states import request_tag
from app.web.presenters.wording import Cell, Row, TableOf, Tag, clock_time, moment, moment_cell, period

_HEADS = ("For", "Position", "Organisation", "Requested by", "Requested")


@dataclass(frozen=True)
class RequestsPage:
    """The dashboard's three tables."""

    waiting: TableOf
    taken: TableOf
    closed: TableOf


def requests_page(
    is_open: list[RequestSummary], is_closed: list[RequestSummary], actor: Actor
) -> RequestsPage:
    """The dashboard: what waits, what somebody works on, what was closed in the last 30 days."""
    return RequestsPage(
        waiting=TableOf(
            "Open",
            _HEADS,
            tuple(_row(request) for request in is_open if request.taken_by is None),
            when_empty="No request is waiting for a decision.",
        ),
        taken=TableOf(
            "Being worked on",
            (*_HEADS, "By"),
            tuple((*_row(request), _taken_by(request, actor)) for request in is_open if request.taken_by),
        ),
        closed=TableOf(
            "Closed in the last 30 days",
            (*_HEADS, "Outcome"),
            tuple((*_row(request), Cell(tag=request_tag(request.status))) for request in is_closed),
            when_empty="No request was granted or rejected in the last 30 days.",
        ),
    )


def _row(request: RequestSummary) -> tuple[Cell, ...]:
    return (
        Cell(request.subject.name, href=f"/requests/{request.id}"),
        Cell(request.position_name),
        Cell(f"{request.organisation_name} ({request.organisation_code})"),
        Cell(request.requested_by.name),
        moment_cell(request.requested_at),
    )


def _taken_by(request: RequestSummary, actor: Actor) -> Cell:
    assert request.taken_by is not None
    return Cell("You" if request.taken_by.uid == actor.uid else request.taken_by.name)


@dataclass(frozen=True)
class RequestPage:
    """One request, and whether this actor can take or decide it now."""

    heading: str
    href: str
    status: Tag
    notice: str
    details: tuple[Row, ...]
    access_profiles: TableOf
    may_take: bool
    may_decide: bool
    issue_card_href: str
    person_href: str
    ask_again_href: str

    decisions = (
        {"value": "grant", "text": "Grant the position"},
        {"value": "reject", "text": "Reject the request"},
    )

    @classmethod
    def of(cls, record: RequestRecord, actor: Actor, reference: Reference) -> RequestPage:
        """The page for one actor, with the names of national codes."""
        summary = record.summary
        hindrance = _hindrance(record, actor)
        is_decider = Permission.DECIDE_REQUEST in actor.permissions
        may_decide = is_decider and not hindrance and summary.status is RequestStatus.OPEN
        is_taken_by_actor = summary.taken_by is not None and summary.taken_by.uid == actor.uid
        return cls(
            heading=f"Request for {summary.subject.name}",
            href=f"/requests/{summary.id}",
            status=request_tag(summary.status),
            notice=hindrance or _outcome(record),
            details=_details(record),
            access_profiles=access_profiles_table(record.position, reference),
            may_take=may_decide and not is_taken_by_actor,
            may_decide=may_decide,
            issue_card_href=_issue_card_href(record, actor),
            person_href=f"/people/{summary.subject.uid}",
            ask_again_href=_ask_again_href(record, actor),
        )


def _outcome(record: RequestRecord) -> str:
    """What was decided and what comes next; empty while the request is open."""
    name, note = record.summary.subject.name, record.decision_note
    if record.summary.status is RequestStatus.REJECTED:
        return f"The request was rejected. The reason given: {note}"
    if record.summary.status is not RequestStatus.GRANTED:
        return ""
    card = f"{name} has no card yet: an RA manager or agent issues one." if record.subject_needs_card else ""
    return (
        f"{name} has the position {period(record.summary.starts_on, record.summary.ends_on)}. {card}".strip()
    )


def _issue_card_href(record: RequestRecord, actor: Actor) -> str:
    """Where a card is begun for somebody who was just given a position and has none; empty when not."""
    is_next = record.summary.status is RequestStatus.GRANTED and record.subject_needs_card
    may_issue = Permission.ISSUE_CARD in actor.permissions and actor.uid != record.summary.subject.uid
    return f"/people/{record.summary.subject.uid}/issue-card" if is_next and may_issue else ""


def _ask_again_href(record: RequestRecord, actor: Actor) -> str:
    """Where a sponsor whose request was rejected can ask for another position; empty when not."""
    summary = record.summary
    is_asker = summary.requested_by.uid == actor.uid and Permission.REQUEST_POSITION in actor.permissions
    if summary.status is not RequestStatus.REJECTED or not is_asker:
        return ""
    return f"/people/{summary.subject.uid}/request-position/{summary.organisation_code}"


def _hindrance(record: RequestRecord, actor: Actor) -> str:
    """Why this actor cannot decide now; empty when nothing hinders."""
    summary = record.summary
    if summary.status is not RequestStatus.OPEN or Permission.DECIDE_REQUEST not in actor.permissions:
        return ""
    if actor.uid == summary.requested_by.uid:
        return "You raised this request. Another RA manager or agent must decide it."
    if actor.uid == summary.subject.uid:
        return "This request is about you. Another RA manager or agent must decide it."
    if summary.taken_by is not None and summary.taken_by.uid != actor.uid and record.taken_until is not None:
        return f"{summary.taken_by.name} is working on this request until {clock_time(record.taken_until)}."
    return ""


def _details(record: RequestRecord) -> tuple[Row, ...]:
    summary = record.summary
    rows = [
        Row("For", summary.subject.name, href=f"/people/{summary.subject.uid}"),
        Row("Position", summary.position_name),
        Row(
            "Organisation",
            f"{summary.organisation_name} ({summary.organisation_code})",
            href=f"/organisations/{summary.organisation_code}",
        ),
        Row("When", period(summary.starts_on, summary.ends_on)),
        Row("Why it is needed", record.reason),
        Row("Requested by", summary.requested_by.name),
        Row("Requested", moment(summary.requested_at)),
    ]
    return (*rows, *_decision(record))


def _decision(record: RequestRecord) -> tuple[Row, ...]:
    if record.decided_by is None:
        return ()
    decided = Row("Decided by", f"{record.decided_by.name}, {moment(record.decided_at)}")
    if not record.decision_note:
        return (decided,)
    is_rejection = record.summary.status is RequestStatus.REJECTED
    return (decided, Row("Reason for rejecting" if is_rejection else "Note", record.decision_note))
