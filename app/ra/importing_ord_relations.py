"""Relationships and successions of an ORD record.

Relationships that put one organisation under another (RE2 to RE6) become memberships, because who is under
whom decides whose registration authority acts for it. The others (RE1 legacy, RE8 partner, …) put nobody
under anybody: taken as memberships they would give partners power over each other. They are counted and left
    out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from app.domain.organisation import CODE, Membership
from app.domain.organisation_record import Succession
from app.ra.importing_findings import Findings
from app.ra.importing_ord_values import LEGAL, Node, child, children, period, text, working_period
from app.ra.importing_rows import RowRefused

SUBDIVISION_OF, DIRECTED_BY, COMMISSIONED_BY, IN_GEOGRAPHY_OF, OPERATED_BY = "RE2", "RE3", "RE4", "RE5", "RE6"
HIERARCHICAL = (COMMISSIONED_BY, SUBDIVISION_OF, DIRECTED_BY, OPERATED_BY, IN_GEOGRAPHY_OF)
"""In the order in which an organisation's parent is looked for; for a site, who operates it comes first."""


def relations(node: Node, code: str, opened_on: date | None, findings: Findings) -> tuple[Membership, ...]:
    """What the organisation belongs and belonged to; the newest of several that begin on one day."""
    found: dict[tuple[str, str, date], Membership] = {}
    for each in children(node, "rels", "rel"):
        membership = _membership(each, code, opened_on, findings)
        if membership is not None:
            key = membership.parent_code, membership.kind, membership.joined_on
            if key not in found or found[key].left_on is not None:
                found[key] = membership
    return tuple(sorted(found.values(), key=lambda each: (each.parent_code, each.kind, each.joined_on)))


def _membership(node: Node, code: str, opened_on: date | None, findings: Findings) -> Membership | None:
    kind, target = text(node, "id"), _target(node)
    if kind not in HIERARCHICAL:
        findings.note(f"Relationships {kind[:10]} put nobody under anybody: they are not kept", code)
        return None
    if target is None or target == code:
        findings.note("A relationship points to itself or to no code: it is not kept", code)
        return None
    try:
        held = working_period(node)
    except RowRefused as refusal:
        findings.note(f"A relationship is not kept: {refusal}", code)
        return None
    joined_on = held.first or opened_on
    if joined_on is None:
        findings.note("A relationship has no beginning: it is not kept", code)
        return None
    if text(node, "status").casefold() == "inactive" and held.last is None:
        findings.note("A relationship has ended on an unknown day: it is not kept", code)
        return None
    if held.last is not None and held.last < joined_on:
        findings.note("A relationship ends before the organisation began: it is not kept", code)
        return None
    return Membership(code, target, kind, joined_on, held.last)


def parent_of(memberships: Sequence[Membership], is_site: bool, today: date) -> Membership | None:
    """The one that stands as the parent: of those that hold today, or else ended last, the first by kind."""
    order = (OPERATED_BY, *HIERARCHICAL) if is_site else HIERARCHICAL
    holding = [each for each in memberships if each.holds_on(today)]
    if not holding and memberships:
        last = max(each.left_on or date.max for each in memberships)
        holding = [each for each in memberships if (each.left_on or date.max) == last]
    ranked = sorted(
        holding, key=lambda each: (order.index(each.kind), -each.joined_on.toordinal(), each.parent_code)
    )
    return ranked[0] if ranked else None


def successions(node: Node, code: str, findings: Findings) -> tuple[Succession, ...]:
    """The successions in which the organisation took part, on either side."""
    found = (_succession(each, code, findings) for each in children(node, "succs", "succ"))
    return tuple(each for each in found if each is not None)


def _succession(node: Node, code: str, findings: Findings) -> Succession | None:
    target, kind = _target(node), text(node, "type").casefold()
    try:
        happened = period(node, LEGAL) or working_period(node)
    except RowRefused:
        happened = None
    if (
        target is None
        or target == code
        or kind not in ("predecessor", "successor")
        or not (happened and happened.first)
    ):
        findings.note("A succession has no other side, no side or no day: it is not kept", code)
        return None
    if kind == "predecessor":
        return Succession(target, code, happened.first)
    return Succession(code, target, happened.first)


def _target(node: Node) -> str | None:
    code = text(child(child(node, "target"), "orgid"), "extension")
    return code if CODE.fullmatch(code) else None
