"""What the pages of requests about systems show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.system_details import Endpoint, SystemDetails
from app.domain.system_request import SystemRequest, SystemRequestKind, SystemRequestStatus
from app.ra.system_records import SystemRequestRecord
from app.web.presenters.states import system_request_tag
from app.web.presenters.wording import Cell, Row, TableOf, Tag, moment, moment_cell

KINDS = {
    "register": "Register a system",
    "change": "Change a system",
    "suspend": "Suspend at once",
    "resume": "Resume a system",
    "withdraw": "Withdraw a system",
    "certificate": "Issue a certificate",
}
_HEADS = ("What", "Product", "Organisation", "Asked by", "Asked")


def requests_table(records: Sequence[SystemRequestRecord], caption: str, when_empty: str) -> TableOf:
    """Requests, each with how it stands."""
    return TableOf(
        caption,
        (*_HEADS, "State"),
        tuple((*_row(each), Cell(tag=state_tag(each.request))) for each in records),
        when_empty=when_empty,
    )


def history_table(records: Sequence[SystemRequestRecord]) -> TableOf:
    """Everything that happened to a system, the latest first."""
    return TableOf(
        "History",
        ("What", "Why", "Asked by", "Asked", "Decided by", "State"),
        tuple(
            (
                Cell(KINDS[each.request.kind.value], href=f"/systems/requests/{each.request.id}"),
                Cell(each.request.reason),
                Cell(each.requested_by.name),
                moment_cell(each.request.requested_at),
                Cell(each.decided_by.name if each.decided_by else "Nobody else"),
                Cell(tag=state_tag(each.request)),
            )
            for each in records
        ),
        when_empty="It was registered from the list of the first start.",
    )


def state_tag(request: SystemRequest) -> Tag:
    """How a request stands; an open one says what it waits for."""
    is_open = request.status is SystemRequestStatus.OPEN
    if is_open and request.new_hosts and request.hosts_checked is None:
        return Tag("Host names to be checked", "blue")
    return system_request_tag(request.status)


def _row(each: SystemRequestRecord) -> tuple[Cell, ...]:
    request = each.request
    return (
        Cell(KINDS[request.kind.value], href=f"/systems/requests/{request.id}"),
        Cell(request.product),
        Cell(f"{each.organisation_name} ({request.organisation_code})"),
        Cell(each.requested_by.name),
        moment_cell(request.requested_at),
    )


@dataclass(frozen=True)
class SystemRequestPage:
    """One request, and what this actor can do about it now."""

    heading: str
    href: str
    status: Tag
    notice: str
    about: tuple[Row, ...]
    differences: TableOf | None
    hosts: TableOf | None
    may_check_hosts: bool
    may_approve: bool
    may_reject: bool
    may_cancel: bool
    system_href: str

    @property
    def decisions(self) -> tuple[dict[str, str], ...]:
        """What can be chosen."""
        approve = {"value": "approve", "text": "Approve"}
        reject = {"value": "reject", "text": "Reject"}
        return (approve, reject) if self.may_approve else (reject,)

    @classmethod
    def of(cls, record: SystemRequestRecord, actor: Actor) -> SystemRequestPage:
        """The page for one actor."""
        request = record.request
        is_open = request.status is SystemRequestStatus.OPEN
        is_another = is_open and actor.uid != request.requested_by
        is_unchecked = bool(request.new_hosts) and request.hosts_checked is None
        approves = Permission.APPROVE_SYSTEM in actor.permissions
        checks = Permission.APPROVE_HOST_NAMES in actor.permissions
        return cls(
            heading=f"{KINDS[request.kind.value]}: {request.product}",
            href=f"/systems/requests/{request.id}",
            status=state_tag(request),
            notice=_notice(record, actor),
            about=_about(record),
            differences=_differences(record),
            hosts=_hosts(record),
            may_check_hosts=is_another and is_unchecked and checks,
            may_approve=is_another and approves and not is_unchecked,
            may_reject=is_another and (approves or checks),
            may_cancel=is_open and actor.uid == request.requested_by,
            system_href=f"/systems/{request.asid}" if request.asid else "",
        )


def _notice(record: SystemRequestRecord, actor: Actor) -> str:
    request = record.request
    if request.status is SystemRequestStatus.REJECTED:
        return f"The request was rejected. The reason given: {request.decision_note}"
    if request.status is SystemRequestStatus.OPEN and actor.uid == request.requested_by:
        return "You asked for this. Another person must check the host names and decide."
    is_approved = request.status is SystemRequestStatus.APPROVED
    if is_approved and request.kind is SystemRequestKind.CERTIFICATE:
        return (
            "Approved. The certificate authority's operator issues it; it then stands on the system's page."
        )
    return ""


def _about(record: SystemRequestRecord) -> tuple[Row, ...]:
    request = record.request
    organisation = f"{record.organisation_name} ({request.organisation_code})"
    rows = [
        Row("Organisation", organisation, href=f"/organisations/{request.organisation_code}"),
        Row("Product", request.product, href=f"/systems/{request.asid}" if request.asid else ""),
        Row("Why", request.reason),
        Row("Asked by", f"{record.requested_by.name}, {moment(request.requested_at)}"),
    ]
    if request.hosts_checked and record.hosts_checked_by:
        checked = f"{record.hosts_checked_by.name}, {moment(request.hosts_checked.at)}"
        rows.append(Row("Host names checked by", checked))
    if record.decided_by:
        rows.append(Row("Decided by", f"{record.decided_by.name}, {moment(request.decided_at)}"))
    if request.spki_sha256:
        rows.append(Row("Key (SHA-256)", request.spki_sha256))
    if request.decision_note:
        rows.append(Row("Note", request.decision_note))
    return tuple(rows)


def _hosts(record: SystemRequestRecord) -> TableOf | None:
    request = record.request
    if not request.new_hosts:
        return None
    found = request.hosts_checked.found if request.hosts_checked else {}
    unchecked = "Not checked yet" if request.hosts_checked is None else "None from here"
    return TableOf(
        "Host names of new and changed endpoints",
        ("Host name", "Addresses when checked"),
        tuple((Cell(name), Cell(", ".join(found.get(name, ())) or unchecked)) for name in request.new_hosts),
    )


def _differences(record: SystemRequestRecord) -> TableOf | None:
    """What will be registered; of a change only what differs, beside what is registered now."""
    after, before = record.request.details, record.before
    if after is None:
        return None
    new = _in_words(after)
    old = _in_words(before) if before else {}
    keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
    if before is None:
        return TableOf("What is asked for", ("What", "Value"), tuple((Cell(k), Cell(new[k])) for k in keys))
    rows = tuple((Cell(k), Cell(old.get(k, "None")), Cell(new.get(k, "None"))) for k in keys)
    return TableOf("What changes", ("What", "Now", "Then"), rows)


def _in_words(details: SystemDetails) -> dict[str, str]:
    words = {
        "Product": details.product,
        "Version": details.version,
        "What it is for": details.description,
        "Manufacturer": details.manufacturer or "Not known",
        "May read": ", ".join(right.meaning for right in sorted(details.reads)),
        "Interactions": "  ".join(details.interactions),
    }
    return words | {f"Endpoint of {each.interaction}": _endpoint(each) for each in details.endpoint}


def _endpoint(endpoint: Endpoint) -> str:
    reliability = ", ".join(f"{name} {value}" for name, value in endpoint.reliability.items())
    return f"{endpoint.type} {endpoint.url}{f' ({reliability})' if reliability else ''}"
