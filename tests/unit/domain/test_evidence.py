"""The three documents that prove an identity."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.domain.evidence import Evidence, EvidenceKind, require_sufficient
from app.errors import InvalidInput

TODAY = date(2026, 11, 22)
PASSPORT = Evidence(EvidenceKind.UK_PASSPORT, "533380006", expires_on=date(2031, 5, 1))
LICENCE = Evidence(EvidenceKind.UK_DRIVING_LICENCE, "OSEI9 853157 AK9IJ", expires_on=date(2030, 1, 1))
BILL = Evidence(EvidenceKind.UTILITY_BILL, "8841 223-1", issued_on=date(2026, 10, 30))
TAX = Evidence(EvidenceKind.COUNCIL_TAX_BILL, "CT-100200", issued_on=date(2026, 4, 1))
NI = Evidence(EvidenceKind.NATIONAL_INSURANCE_LETTER, "ab 12 34 56 c")


def problems(*documents: Evidence) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        require_sufficient(documents, TODAY)
    return refused.value.problems


@pytest.mark.parametrize(
    "documents",
    [(PASSPORT, BILL, LICENCE), (PASSPORT, NI, TAX), (LICENCE, BILL, TAX), (LICENCE, PASSPORT, NI)],
)
def test_a_photo_an_address_and_one_more_are_enough(documents: tuple[Evidence, ...]) -> None:
    assert len(require_sufficient(documents, TODAY)) == 3


def test_numbers_are_kept_in_capitals_without_spaces_and_hyphens() -> None:
    kept = require_sufficient((LICENCE, BILL, NI), TODAY)
    assert [document.number for document in kept] == ["OSEI9853157AK9IJ", "88412231", "AB123456C"]


@pytest.mark.parametrize("documents", [(), (PASSPORT, BILL), (PASSPORT, BILL, TAX, NI)])
def test_it_takes_exactly_three(documents: tuple[Evidence, ...]) -> None:
    assert "evidence" in problems(*documents)


def test_a_document_counts_once() -> None:
    assert "twice" in problems(PASSPORT, BILL, replace(PASSPORT, number="5333 80006"))["evidence"]


def test_without_a_photo_it_is_not_enough() -> None:
    assert "photo" in problems(NI, BILL, TAX)["evidence"]


def test_without_an_address_it_is_not_enough() -> None:
    card = Evidence(EvidenceKind.NATIONAL_IDENTITY_CARD, "AX12345678", expires_on=date(2030, 1, 1))
    other = Evidence(EvidenceKind.OTHER_PASSPORT, "L01X00T47", expires_on=date(2030, 1, 1))
    assert "address" in problems(PASSPORT, card, other)["evidence"]


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (EvidenceKind.UK_PASSPORT, "53338000"),
        (EvidenceKind.UK_PASSPORT, "53338000A"),
        (EvidenceKind.UK_DRIVING_LICENCE, "OSEI9853157AK9I"),
        (EvidenceKind.UK_DRIVING_LICENCE, "9SEI9853157AK9IJ"),
        (EvidenceKind.NATIONAL_INSURANCE_LETTER, "GB123456A"),
        (EvidenceKind.NATIONAL_INSURANCE_LETTER, "DA123456A"),
        (EvidenceKind.NATIONAL_INSURANCE_LETTER, "AB123456E"),
        (EvidenceKind.UTILITY_BILL, "<script>"),
        (EvidenceKind.BANK_STATEMENT, ""),
    ],
)
def test_a_number_that_cannot_be_right_is_refused(kind: EvidenceKind, number: str) -> None:
    document = Evidence(kind, number, issued_on=TODAY, expires_on=TODAY)
    assert "evidence.2.number" in problems(PASSPORT, TAX, document)


def test_an_expired_document_is_refused() -> None:
    expired = replace(PASSPORT, expires_on=TODAY - timedelta(days=1))
    assert "expired" in problems(expired, BILL, NI)["evidence.0.expires_on"]


def test_a_document_is_good_on_its_last_day() -> None:
    require_sufficient((replace(PASSPORT, expires_on=TODAY), BILL, NI), TODAY)


def test_an_expiry_date_must_be_given() -> None:
    assert "evidence.0.expires_on" in problems(replace(PASSPORT, expires_on=None), BILL, NI)


@pytest.mark.parametrize("issued_on", [None, TODAY + timedelta(days=1), TODAY - timedelta(days=93)])
def test_a_bill_must_be_recent(issued_on: date | None) -> None:
    assert "evidence.1.issued_on" in problems(PASSPORT, replace(BILL, issued_on=issued_on), NI)
