"""From entries of the directory that is migrated from to this product's organisations and systems."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime

from app.domain.organisation import CODE, Organisation, OrganisationStatus
from app.domain.read_right import ReadRight, with_included
from app.domain.system import (
    INTERACTION,
    AccreditedSystem,
    DnsApproval,
    FourEyes,
    MessageHandlingSystem,
    SystemStatus,
)
from app.ra.mapping_old_entries import Reductions
from app.ra.old_entries import NAME, TWELVE_DIGITS, NotMappable, OldEntry, rdns_of

SOURCE = "migration"
NOBODY_ASKED, NOBODY_APPROVED = "not known", "System"
"""Stand where the old directory names no role profile; both are published as ``System``."""
_NO_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
_ADDRESS_LINES, _TOWN_LINE = 5, 3

RELIABILITY = {
    "retries": "nhsmhsretries",
    "retry_interval": "nhsmhsretryinterval",
    "persist_duration": "nhsmhspersistduration",
    "duplicate_elimination": "nhsmhsduplicateelimination",
    "ack_requested": "nhsmhsackrequested",
    "sync_reply_mode": "nhsmhssyncreplymode",
    "actor": "nhsmhsactor",
}


def organisation_of(entry: OldEntry, today: date) -> Organisation:
    """The organisation of an nhsOrg or nhsGPPractice.

    Raises:
        NotMappable
    """
    code = entry.required("uniqueidentifier").upper()
    if not CODE.fullmatch(code):
        raise NotMappable(f"{code!r} is no code of an organisation.")
    closed_on = entry.day("nhsorgclosedate")
    closed = closed_on is not None and closed_on <= today
    return Organisation(
        *(code, entry.required("o"), entry.one("nhsorgtype", 60), entry.one("nhsorgtypecode", 10)),
        status=OrganisationStatus.CLOSED if closed else OrganisationStatus.ACTIVE,
        address=_address(entry),
        postcode=entry.one("postalcode", 10),
        telephone=entry.one("telephonenumber", 40),
        opened_on=entry.day("nhsorgopendate"),
        closed_on=closed_on,
        parent_code=entry.one("nhsparentorgcode", 12) or entry.one("nhspctcode", 12) or None,
        successor_code=entry.one("nhsocssuccessor", 12) or None,
        joined_on=entry.day("nhsjoindate"),
        left_on=entry.day("nhsleftdate"),
        national_grouping=entry.one("nhsdhsccode", 12),
        health_geography=entry.one("nhsshacode", 12),
        sub_type=entry.one("nhsorgsubtype", 10),
        source=SOURCE,
    )


def _address(entry: OldEntry) -> tuple[str, ...]:
    """Five lines with the town in its place: a directory drops empty lines at the beginning and the end."""
    lines = [_unescaped(line.strip()) for line in entry.one("postaladdress", 600).split("$")]
    town = entry.one("l")
    if town in lines[:_TOWN_LINE] and len(lines) + _TOWN_LINE - lines.index(town) <= _ADDRESS_LINES:
        lines = [""] * (_TOWN_LINE - lines.index(town)) + lines
    lines += [""] * (_ADDRESS_LINES - len(lines))
    if town and not lines[_TOWN_LINE] and town not in lines:
        lines[_TOWN_LINE] = town
    return tuple(lines)


def _unescaped(line: str) -> str:
    """RFC 4517 section 3.3.28."""
    return line.replace("\\24", "$").replace("\\5C", "\\").replace("\\5c", "\\")


def accredited_system_of(
    entry: OldEntry, known_organisations: Collection[str], reductions: Reductions
) -> AccreditedSystem:
    """The accredited system of an nhsAs.

    Raises:
        NotMappable
    """
    code = _organisation(entry, known_organisations)
    client = entry.one("nhsasclient")
    if client and client.upper() != code:
        reductions.note(f"Its client organisation {client} is not kept; it is published with {code}.")
    return AccreditedSystem(
        *(entry.twelve_digits("uniqueidentifier"), code, entry.required("nhsmhspartykey", 30)),
        *(entry.one("description"), entry.one("nhsproductname", 100), entry.one("nhsproductversion", 40)),
        *(entry.one("nhsmhsmanufacturerorg", 12), _interactions(entry, "nhsassvcia", reductions)),
        status=SystemStatus.ACTIVE,
        approval=_four_eyes(entry),
        read_rights=_read_rights(entry),
    )


def _read_rights(entry: OldEntry) -> frozenset[ReadRight]:
    """What a directory of our own says; any other says nothing, and more is asked for by people."""
    known = {right.value for right in ReadRight}
    return with_included(ReadRight(each) for each in entry.all("spinereads") if each in known)


def endpoint_of(
    entry: OldEntry, known_organisations: Collection[str], reductions: Reductions
) -> MessageHandlingSystem:
    """The message handling system of an nhsMhs.

    Raises:
        NotMappable
    """
    identifier, code = entry.required("uniqueidentifier", 64), _organisation(entry, known_organisations)
    if not NAME.fullmatch(identifier):
        raise NotMappable(f"{identifier!r} is no id of a message handling system.")
    if entry.one("nhsmhscpaid") not in ("", identifier):
        reductions.note(
            f"Its CPA id {entry.one('nhsmhscpaid')} is not kept; it is published with its own id."
        )
    if len(entry.all("nhsmhsendpoint")) > 1:
        reductions.note("It has several endpoints; the first was taken over.")
    approval = _four_eyes(entry)
    return MessageHandlingSystem(
        *(identifier, code, entry.required("nhsmhspartykey", 30)),
        _interactions(entry, "nhsmhssvcia", reductions)[0],
        *(entry.one("nhsepinteractiontype", 10), entry.required("nhsmhsendpoint", 300)),
        *(
            entry.one("nhsmhsfqdn", 255),
            entry.one("nhsproductname", 100),
            entry.one("nhsmhsmanufacturerorg", 12),
        ),
        {name: value for name, attribute in RELIABILITY.items() if (value := entry.one(attribute))},
        status=SystemStatus.ACTIVE,
        approval=approval,
        dns=_dns_approval(entry, approval, reductions),
    )


def _organisation(entry: OldEntry, known_organisations: Collection[str]) -> str:
    code = entry.required("nhsidcode").upper()
    if code not in known_organisations:
        raise NotMappable(f"There is no organisation {code}. Import it first, then import this again.")
    return code


def _interactions(entry: OldEntry, name: str, reductions: Reductions) -> tuple[str, ...]:
    """In the order in which they stand: clients rely on it."""
    given = tuple(dict.fromkeys(entry.all(name)))
    for each in given:
        if not INTERACTION.fullmatch(each):
            reductions.note(f"{each!r} is no interaction; it was left out.")
    kept = tuple(each for each in given if INTERACTION.fullmatch(each))
    if not kept:
        raise NotMappable("It has no interaction.")
    return kept


def _four_eyes(entry: OldEntry) -> FourEyes:
    asked = _role_profile(entry.one("nhsrequestorurp", 400)) or NOBODY_ASKED
    approved = _role_profile(entry.one("nhsapproverurp", 400)) or NOBODY_APPROVED
    if asked == approved:
        raise NotMappable(f"The same role profile {asked} asked for it and approved it.")
    approved_at = entry.moment("nhsdateapproved") or _NO_MOMENT
    return FourEyes(
        asked, min(entry.moment("nhsdaterequested") or approved_at, approved_at), approved, approved_at
    )


def _dns_approval(entry: OldEntry, approval: FourEyes, reductions: Reductions) -> DnsApproval | None:
    """Who checked the host name; None when it was checked with the approval as a whole."""
    by = _role_profile(entry.one("nhsdnsapprover", 400)) or NOBODY_APPROVED
    at = entry.moment("nhsdatednsapproved") or approval.approved_at
    if (by, at) == (approval.approved_by, approval.approved_at):
        return None
    if by == approval.requested_by:
        reductions.note(f"{by} asked for it and checked its host name; the check was left out.")
        return None
    return DnsApproval(by, at)


def _role_profile(dn: str) -> str:
    """The id in a role profile's DN; empty when the value is none, as ``System``."""
    parts = rdns_of(dn)
    return parts[0][1] if len(parts) > 2 and TWELVE_DIGITS.fullmatch(parts[0][1]) else ""
