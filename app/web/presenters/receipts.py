"""How a certificate's receipt is shown: why it was issued, in plain words, and whether that is true."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.provenance import provenance_of_text
from app.domain.receipt import items_of
from app.domain.receipt_verification import Finding
from app.ra.reading_receipts import ReceiptRead
from app.web.presenters.provenance import provenance_words
from app.web.presenters.wording import Cell, Row, TableOf, Tag, moment, moment_cell, sentence

_RIGHT, _WRONG, _NOT_VERIFIED = Tag("Right", "green"), Tag("Wrong", "red"), Tag("Not verified", "grey")
_APPROVED_BY = {
    "founding": "The founding record, fixed at the key ceremony",
    "operator": "An operator, with a smartcard",
    "holder": "The holder, with the card that was renewed",
    "colleagues": "Two colleagues of the holder, each with a smartcard",
    "two-people": "Two people of the Registration Authority",
}


@dataclass(frozen=True)
class ReceiptShown:
    """A receipt, ready to be written."""

    order: tuple[Row, ...]
    approvals: TableOf
    evidence: TableOf
    certificates: TableOf
    checks: TableOf
    is_right: bool


def receipt_shown(read: ReceiptRead) -> ReceiptShown:
    """The receipt in words."""
    facts = read.receipt.facts
    reason: Mapping[str, Any] = facts["reason"]
    return ReceiptShown(
        order=_order(facts, reason),
        approvals=_approvals(reason["approval"]),
        evidence=_evidence(reason["on_record"]),
        certificates=_certificates(facts, reason),
        checks=_checks(read.findings),
        is_right=not any(each.problem for each in read.findings),
    )


def _order(facts: Mapping[str, Any], reason: Mapping[str, Any]) -> tuple[Row, ...]:
    order, on_record = reason["order"], reason["on_record"]
    name = f"{order.get('given_name', '')} {order.get('family_name', '')}".strip()
    return (
        Row("Order", order["id"]),
        Row("For", " ".join(filter(None, (name, order.get("holder_uid") or order.get("asid"))))),
        Row("Card", order.get("card_serial") or "No card: a system"),
        Row("Approved by", _APPROVED_BY[reason["approved_by"]]),
        Row("Registered by", on_record.get("registered_by") or on_record.get("requested_by") or "Not known"),
        Row("Receipt made", moment(datetime.fromisoformat(facts["made_at"]))),
    )


def _approvals(approval: Mapping[str, Any]) -> TableOf:
    signed = [json.loads(each["statement"]) for each in items_of(approval, "signatures")]
    rows = tuple(
        (
            Cell(each.get("operator") or each.get("signer", "")),
            Cell(sentence(each.get("signed_as", "operator"))),
            moment_cell(datetime.fromisoformat(each["signed_at"])),
        )
        for each in signed
    )
    heads = ("Who", "As", "When")
    return TableOf("Approvals signed with a smartcard", heads, rows, when_empty="No card signed an approval.")


def _evidence(on_record: Mapping[str, Any]) -> TableOf:
    rows = tuple(
        (Cell(sentence(each["kind"])), Cell(each["sha256"])) for each in items_of(on_record, "evidence")
    )
    heads = ("Document", "SHA-256 of what was noted")
    return TableOf("Evidence of identity", heads, rows, when_empty="No evidence is on record.")


def _certificates(facts: Mapping[str, Any], reason: Mapping[str, Any]) -> TableOf:
    lint = {each["purpose"]: each for each in items_of(reason, "lint")}
    rows = tuple(
        (
            Cell(sentence(each["purpose"])),
            Cell(each["serial_number"]),
            Cell(_linted(lint.get(each["purpose"], {}))),
            Cell(provenance_words(provenance_of_text(each.get("provenance", "")))),
        )
        for each in items_of(facts, "certificates")
    )
    return TableOf("Certificates", ("For", "Serial number", "Checked by", "Key made"), rows)


def _linted(report: Mapping[str, Any]) -> str:
    return f"{report.get('linter', '')}, {report.get('passed_by', '')}".strip(", ")


def _checks(findings: Sequence[Finding]) -> TableOf:
    rows = tuple((Cell(each.checked), _result(each)) for each in findings)
    return TableOf("What was verified just now", ("Check", "Result"), rows)


def _result(finding: Finding) -> Cell:
    tag = _WRONG if finding.problem else _NOT_VERIFIED if finding.not_verified else _RIGHT
    return Cell(" ".join(filter(None, (finding.problem, finding.not_verified))), tag=tag)
