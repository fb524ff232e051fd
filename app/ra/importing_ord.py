"""From ODS's reference data (ORD) to our organisations: roles to kinds, relationships to parents and
memberships.

Roles (``RO…``), relationships (``RE…``) and dates are those of the published Organisation Reference Data,
2-0-0. What of a record is not understood or not kept is noted and counted; the rest of the record is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.domain.organisation import CODE, Organisation, OrganisationStatus
from app.domain.organisation_record import ALL_FIELDS, OrganisationRecord
from app.ra.importing_findings import Findings
from app.ra.importing_ord_relations import parent_of, relations, successions
from app.ra.importing_ord_values import (
    LEGAL,
    Node,
    Period,
    child,
    children,
    is_true,
    period,
    text,
    working_period,
)
from app.ra.importing_rows import RowRefused

SOURCE = "ord"
ORGANISATION, SITE = "RC1", "RC2"
# The full file says nothing of these; the successor follows from all records together.
NOT_TOLD = frozenset({"national_grouping", "health_geography", "sub_type", "successor_code"})
_ADDRESS = (
    ("addrln1", "addrline1"),
    ("addrln2", "addrline2"),
    ("addrln3", "addrline3"),
    ("town",),
    ("county",),
)
_UNDERSTOOD = frozenset({
    "name", "date", "orgid", "status", "lastchangedate", "orgrecordclass", "reconly", "geoloc", "contacts",
    "roles", "rels", "succs", "refonly", "primaryroleid",
})  # fmt: skip
_MOST_LINES = 100


@dataclass(frozen=True)
class RoleKind:
    """What a role is called, and whether it names the organisation's kind though it is not the primary one.

    Attributes:
        type_code: the directory's nhsOrgTypeCode, where one is published.
    """

    name: str
    type_code: str = ""
    names_the_kind: bool = False


class OrdMapping:
    """Makes organisations of ORD records.

    Args:
        kinds: each known role's name, by its id.
        findings: told what was not understood.
    """

    def __init__(self, kinds: Mapping[str, RoleKind], findings: Findings) -> None:
        self._kinds = kinds
        self._findings = findings

    def record(self, node: Node, today: date) -> OrganisationRecord:
        """The organisation of one record.

        Raises:
            RowRefused
        """
        code = code_of(node)
        status = _status(node)
        worked = self._working_period(node, code, status, today)
        roles = self._roles(node, code)
        kind = self._kind(roles, code)
        is_site = text(node, "orgrecordclass") == SITE
        memberships = relations(node, code, worked.first, self._findings)
        parent = parent_of(memberships, is_site, today)
        in_law = period(node, LEGAL) or Period()
        self._note_the_rest(node, code)
        organisation = Organisation(
            code=code,
            name=_name(node),
            kind=kind.name,
            kind_code=kind.type_code,
            status=status,
            address=self._address(node, code),
            postcode=self._fitting(
                text(child(child(node, "geoloc"), "location"), "postcode"), 10, code, "postcode"
            ),
            telephone=self._fitting(_telephone(node), 40, code, "telephone number"),
            opened_on=worked.first,
            closed_on=worked.last,
            parent_code=parent.parent_code if parent else None,
            successor_code=None,
            joined_on=parent.joined_on if parent else None,
            left_on=parent.left_on if parent else None,
            national_grouping="",
            health_geography="",
            sub_type="",
            source=SOURCE,
            is_site=is_site,
            role_codes=roles,
            uprn=self._fitting(text(child(child(node, "geoloc"), "location"), "uprn"), 12, code, "UPRN"),
            legal_from=in_law.first,
            legal_until=in_law.last,
        )
        return OrganisationRecord(
            organisation, ALL_FIELDS - NOT_TOLD, memberships, successions(node, code, self._findings)
        )

    def _working_period(self, node: Node, code: str, status: OrganisationStatus, today: date) -> Period:
        worked = working_period(node)
        if status is OrganisationStatus.ACTIVE and worked.last and worked.last < today:
            self._findings.note("It is active and has an end date in the past: the status counts", code)
            return Period(worked.first)
        if status is OrganisationStatus.CLOSED and worked.last is None:
            self._findings.note("It is closed without an end date", code)
        return worked

    def _roles(self, node: Node, code: str) -> tuple[str, ...]:
        """Those it holds, the primary one first; those it held, when it holds none any more."""
        listed = children(node, "roles", "role")
        held = [each for each in listed if text(each, "status").casefold() != "inactive"] or listed
        held = sorted(held, key=lambda each: not is_true(each, "primaryrole"))
        if not held or not is_true(held[0], "primaryrole"):
            self._findings.note("It has no primary role", code)
        found = dict.fromkeys(text(each, "id")[:10] for each in held)
        for unknown in found.keys() - self._kinds.keys():
            self._findings.note(f"The role {unknown} is not in our table: it is kept as a code", code)
        return tuple(found)

    def _kind(self, roles: tuple[str, ...], code: str) -> RoleKind:
        known = [self._kinds[role] for role in roles if role in self._kinds]
        for kind in known:
            if kind.names_the_kind:
                return kind
        if known and roles[0] in self._kinds:
            return self._kinds[roles[0]]
        return RoleKind(roles[0] if roles else "")

    def _address(self, node: Node, code: str) -> tuple[str, ...]:
        location = child(child(node, "geoloc"), "location")
        found = (next(filter(None, (text(location, name) for name in names)), "") for names in _ADDRESS)
        return tuple(self._fitting(line, _MOST_LINES, code, "address line") for line in found)

    def _fitting(self, value: str, length: int, code: str, what: str) -> str:
        if not value.isprintable():
            raise RowRefused(f"The {what} contains control characters.")
        if len(value) > length:
            self._findings.note(f"The {what} is longer than {length} characters: it is left out", code)
            return ""
        return value

    def _note_the_rest(self, node: Node, code: str) -> None:
        for name in node.keys() - _UNDERSTOOD:
            self._findings.note(f"The element {name[:40]} is not known here", code)
        for each in children(node, "contacts", "contact"):
            if text(each, "type") != "tel":
                self._findings.note(f"Contacts of type {text(each, 'type')[:20]} are not kept", code)
        country = text(child(child(node, "geoloc"), "location"), "country")
        if country not in ("", "ENGLAND"):
            self._findings.note(f"The country {country[:40]} is not kept", code)


def code_of(node: Node) -> str:
    """The record's ODS code.

    Raises:
        RowRefused
    """
    code = text(child(node, "orgid"), "extension")
    if CODE.fullmatch(code) is None:
        raise RowRefused(f"The code {code[:40]!r} is not 3 to 12 capital letters and digits.")
    return code


def is_stub(node: Node) -> bool:
    """Whether the record only stands there because others point to it."""
    return is_true(node, "refonly")


def _name(node: Node) -> str:
    name = text(node, "name")
    if not name or len(name) > 200 or not name.isprintable():
        raise RowRefused("It has no name of 1 to 200 printable characters.")
    return name


def _status(node: Node) -> OrganisationStatus:
    given = text(node, "status").casefold()
    if given == "active":
        return OrganisationStatus.ACTIVE
    if given == "inactive":
        return OrganisationStatus.CLOSED
    raise RowRefused(f"The status {given[:40]!r} is neither Active nor Inactive.")


def _telephone(node: Node) -> str:
    numbers = (
        text(each, "value") for each in children(node, "contacts", "contact") if text(each, "type") == "tel"
    )
    return next(numbers, "")
