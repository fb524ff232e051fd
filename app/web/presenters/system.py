"""What the pages of systems show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.system import MessageHandlingSystem, SystemStatus
from app.domain.system_certificate import SystemCertificate
from app.domain.system_details import SystemDetails
from app.ra.listing_systems import ListedSystem
from app.ra.system_records import CertificateDue, SystemRecord, SystemSummary
from app.web.presenters.states import system_tag
from app.web.presenters.system_request import history_table
from app.web.presenters.wording import Cell, Row, TableOf, Tag, counted, day, day_cell

STATES = (
    {"value": "", "text": "Every state"},
    {"value": "active", "text": "Active"},
    {"value": "suspended", "text": "Suspended"},
    {"value": "closed", "text": "Withdrawn"},
)


def systems_table(found: Sequence[SystemSummary], most: int) -> TableOf:
    """Systems that a search found."""
    more = f"; more than {most} match, so add another word" if len(found) >= most else ""
    return TableOf(
        f"{counted(len(found), 'system')}{more}",
        ("Product", "Organisation", "ASID", "Party key", "State"),
        tuple(
            (
                Cell(each.system.product, href=f"/systems/{each.system.asid}"),
                Cell(f"{each.organisation_name} ({each.system.organisation_code})"),
                Cell(each.system.asid),
                Cell(each.system.party_key),
                Cell(tag=system_tag(each.system.status)),
            )
            for each in found
        ),
        when_empty="No system matches. Search by product, organisation code, ASID, party key or interaction.",
    )


def due_table(due: Sequence[CertificateDue], now: datetime) -> TableOf:
    """Certificates that end soon; empty when none does."""
    return TableOf(
        "Certificates to be renewed",
        ("Product", "Organisation", "Ends"),
        tuple(
            (
                Cell(each.product, href=f"/systems/{each.asid}"),
                Cell(each.organisation_code),
                Cell(f"{day(each.ends_at.date())}{' (over)' if each.ends_at < now else ''}"),
            )
            for each in due
        ),
    )


@dataclass(frozen=True)
class SystemPage:
    """One system, and what this actor can ask for it."""

    heading: str
    status: Tag
    details: tuple[Row, ...]
    interactions: tuple[str, ...]
    endpoints: TableOf
    certificates: TableOf
    history: TableOf
    actions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, record: SystemRecord, actor: Actor, now: datetime) -> SystemPage:
        """The page for one actor."""
        system = record.system
        return cls(
            heading=f"{system.product} at {record.organisation_name}",
            status=system_tag(system.status),
            details=system_rows(record.details, record.organisation_name, record),
            interactions=system.interactions,
            endpoints=_endpoints_table(record.endpoints),
            certificates=_certificates_table(record.certificates, now),
            history=history_table(record.history),
            actions=_actions(record) if Permission.REGISTER_SYSTEM in actor.permissions else (),
        )


def _actions(record: SystemRecord) -> tuple[tuple[str, str], ...]:
    base, status = f"/systems/{record.system.asid}", record.system.status
    if status is SystemStatus.CLOSED:
        return ()
    more: tuple[tuple[str, str], ...] = ()
    first = ("Suspend at once", f"{base}/suspend")
    if status is SystemStatus.SUSPENDED:
        first = ("Ask to resume", f"{base}/resume")
    if status is SystemStatus.ACTIVE:
        more = (("Ask for a certificate", f"{base}/certificate"),)
    return (("Ask for a change", f"{base}/change"), *more, first, ("Ask to withdraw", f"{base}/withdraw"))


def system_rows(
    details: SystemDetails, organisation_name: str, record: SystemRecord | None = None
) -> tuple[Row, ...]:
    """A system's details; with its identifiers when it is registered."""
    known: tuple[Row, ...] = ()
    if record is not None:
        known = (Row("ASID", record.system.asid), Row("Party key", record.system.party_key))
    organisation = f"{organisation_name} ({details.organisation})"
    return (
        *known,
        Row("Organisation", organisation, href=f"/organisations/{details.organisation}"),
        Row("Product", f"{details.product}, version {details.version}"),
        Row("What it is for", details.description),
        Row("Manufacturer", details.manufacturer or "Not known"),
        Row("May read", ", ".join(right.meaning for right in sorted(details.reads))),
    )


def _endpoints_table(endpoints: Sequence[MessageHandlingSystem]) -> TableOf:
    return TableOf(
        "Endpoints",
        ("Interaction", "Type", "Address", "MHS id (CPA id)"),
        tuple(
            (Cell(each.interaction), Cell(each.interaction_type), Cell(each.endpoint), Cell(each.id))
            for each in endpoints
        ),
        when_empty="It has no endpoint: it calls others and is not called.",
    )


def _certificates_table(certificates: Sequence[SystemCertificate], now: datetime) -> TableOf:
    return TableOf(
        "Client certificates",
        ("Serial number", "From", "Until", "State"),
        tuple(
            (
                Cell(each.serial_number, href=f"/systems/certificates/{each.serial_number}"),
                day_cell(each.not_before.date()),
                day_cell(each.not_after.date()),
                Cell(tag=certificate_state(each, now)),
            )
            for each in certificates
        ),
        when_empty="It has no certificate that was made here.",
    )


def certificate_state(certificate: SystemCertificate, now: datetime) -> Tag:
    """Good, due, over or revoked."""
    if certificate.revoked_at is not None:
        return Tag("Revoked", "red")
    if now > certificate.not_after:
        return Tag("Over", "grey")
    return Tag("Renew soon", "orange") if certificate.is_due_at(now) else Tag("Good", "green")


def listed_table(listed: Sequence[ListedSystem]) -> TableOf:
    """What a CSV list holds, row by row, with what is wrong."""
    good = sum(not each.problem for each in listed)
    wrong = len(listed) - good
    return TableOf(
        f"{counted(good, 'system')} can be asked for; {counted(wrong, 'system')} cannot",
        ("Lines", "Organisation", "Product", "State", "What to do"),
        tuple(_listed_row(each) for each in listed),
    )


def _listed_row(each: ListedSystem) -> tuple[Cell, ...]:
    return (
        Cell(", ".join(map(str, each.lines))),
        Cell(each.organisation),
        Cell(each.product),
        Cell(tag=Tag("Not possible", "red") if each.problem else Tag("Good", "green")),
        Cell(each.problem),
    )
