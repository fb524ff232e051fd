"""The documents that prove an identity: which kinds there are, how their numbers look, and how many it takes.

Three documents: one with a photo, one with the address, and one more of either kind; at least one of them
carries a number that names one person (passport, driving licence, National Insurance number). Formats are
checked for British documents only. Sources: the public guide to adding a user in Care Identity Management;
NHS Employers' identity checks for how recent a bill must be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import permutations

from app.errors import InvalidInput


class EvidenceKind(StrEnum):
    """A kind of document that the operator has seen, the original and not a copy."""

    UK_PASSPORT = "uk_passport"
    OTHER_PASSPORT = "other_passport"
    UK_DRIVING_LICENCE = "uk_driving_licence"
    NATIONAL_IDENTITY_CARD = "national_identity_card"
    NATIONAL_INSURANCE_LETTER = "national_insurance_letter"
    COUNCIL_TAX_BILL = "council_tax_bill"
    UTILITY_BILL = "utility_bill"
    BANK_STATEMENT = "bank_statement"
    TENANCY_OR_MORTGAGE = "tenancy_or_mortgage"


class EvidenceCategory(StrEnum):
    """What a document can prove."""

    PHOTO = "photo"
    ADDRESS = "address"


@dataclass(frozen=True)
class DocumentRule:
    """What is known about a kind of document.

    Attributes:
        label: its name on pages.
        categories: what it can prove; a document counts once.
        pattern: how its number looks, without spaces and in capitals.
        example: the pattern in words.
        expires: whether it has an expiry date, which must be given and not be past.
        recent: how old it may be, by its date of issue; None when age does not matter.
        identifies: whether its number names one person, so that nobody else can have it.
    """

    label: str
    categories: frozenset[EvidenceCategory]
    pattern: re.Pattern[str]
    example: str
    expires: bool = False
    recent: timedelta | None = None
    identifies: bool = False


_PHOTO = frozenset({EvidenceCategory.PHOTO})
_ADDRESS = frozenset({EvidenceCategory.ADDRESS})
_ANY_REFERENCE = re.compile(r"[A-Z0-9/]{3,30}")
_THREE_MONTHS, _A_YEAR = timedelta(days=92), timedelta(days=366)

DOCUMENT_RULES: dict[EvidenceKind, DocumentRule] = {
    EvidenceKind.UK_PASSPORT: DocumentRule(
        "British passport", _PHOTO, re.compile(r"[0-9]{9}"), "9 digits", expires=True, identifies=True
    ),
    EvidenceKind.OTHER_PASSPORT: DocumentRule(
        "Passport of another country",
        _PHOTO,
        re.compile(r"[A-Z0-9]{5,15}"),
        "5 to 15 letters and digits",
        expires=True,
        identifies=True,
    ),
    EvidenceKind.UK_DRIVING_LICENCE: DocumentRule(
        "British driving licence (photocard)",
        _PHOTO | _ADDRESS,
        re.compile(r"[A-Z]{1,5}9{0,4}(?<=.{5})[0-9]{6}[A-Z9]{2}[A-Z0-9][A-Z]{2}"),
        "16 letters and digits, as in MORGA753116SM9IJ",
        expires=True,
        identifies=True,
    ),
    EvidenceKind.NATIONAL_IDENTITY_CARD: DocumentRule(
        "National identity card",
        _PHOTO,
        re.compile(r"[A-Z0-9]{5,20}"),
        "5 to 20 letters and digits",
        expires=True,
        identifies=True,
    ),
    EvidenceKind.NATIONAL_INSURANCE_LETTER: DocumentRule(
        "HMRC or DWP letter with the National Insurance number",
        _ADDRESS,
        # HMRC manual NIM39110: letters and prefixes that are never used.
        re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]"),
        "2 letters, 6 digits and a letter from A to D, as in AB123456C",
        identifies=True,
    ),
    EvidenceKind.COUNCIL_TAX_BILL: DocumentRule(
        "Council tax bill", _ADDRESS, _ANY_REFERENCE, "the account number", recent=_A_YEAR
    ),
    EvidenceKind.UTILITY_BILL: DocumentRule(
        "Utility bill", _ADDRESS, _ANY_REFERENCE, "the account number", recent=_THREE_MONTHS
    ),
    EvidenceKind.BANK_STATEMENT: DocumentRule(
        "Bank or building society statement",
        _ADDRESS,
        _ANY_REFERENCE,
        "the last digits of the account number",
        recent=_THREE_MONTHS,
    ),
    EvidenceKind.TENANCY_OR_MORTGAGE: DocumentRule(
        "Tenancy agreement or mortgage statement",
        _ADDRESS,
        _ANY_REFERENCE,
        "the reference number",
        recent=_A_YEAR,
    ),
}


@dataclass(frozen=True)
class Evidence:
    """One document as it was seen.

    Attributes:
        kind: which document.
        number: as printed; spaces and hyphens do not matter.
        issued_on: printed date of issue; needed for the kinds that must be recent.
        expires_on: printed expiry date; needed for the kinds that expire.
    """

    kind: EvidenceKind
    number: str
    issued_on: date | None = None
    expires_on: date | None = None

    @property
    def rule(self) -> DocumentRule:
        """What is known about this kind of document."""
        return DOCUMENT_RULES[self.kind]

    def normalised(self) -> Evidence:
        """The same document with its number as it is stored: capitals, no spaces, no hyphens."""
        return replace(self, number=re.sub(r"[\s-]", "", self.number).upper())


def require_sufficient(evidence: Sequence[Evidence], on: date) -> tuple[Evidence, ...]:
    """The documents with normalised numbers, when they prove an identity on that day.

    Raises:
        InvalidInput: with problems under ``evidence`` (too few, wrong kinds) or ``evidence.<index>.number``,
            ``.issued_on``, ``.expires_on`` (counted from 0).
    """
    documents = tuple(document.normalised() for document in evidence)
    problems: dict[str, str] = {}
    for index, document in enumerate(documents):
        problems |= {f"evidence.{index}.{field}": text for field, text in _problems_of(document, on)}
    insufficient = _insufficient(documents)
    if insufficient:
        problems["evidence"] = insufficient
    if problems:
        raise InvalidInput(problems)
    return documents


def _problems_of(document: Evidence, on: date) -> Iterator[tuple[str, str]]:
    rule = document.rule
    if rule.pattern.fullmatch(document.number) is None:
        yield "number", f"Enter the number of the {_in_sentence(rule.label)}: {rule.example}."
    if rule.expires:
        yield from _expiry_problems(document, on)
    if rule.recent is not None:
        yield from _age_problems(document, rule.recent, on)


def _expiry_problems(document: Evidence, on: date) -> Iterator[tuple[str, str]]:
    label = _in_sentence(document.rule.label)
    if document.expires_on is None:
        yield "expires_on", f"Enter the expiry date of the {label}."
    elif document.expires_on < on:
        yield "expires_on", f"The {label} has expired. Ask for one that is still valid."


def _age_problems(document: Evidence, recent: timedelta, on: date) -> Iterator[tuple[str, str]]:
    label = _in_sentence(document.rule.label)
    if document.issued_on is None:
        yield "issued_on", f"Enter the date on the {label}."
    elif document.issued_on > on:
        yield "issued_on", f"The date on the {label} is in the future. Check it."
    elif on - document.issued_on > recent:
        yield "issued_on", f"The {label} is older than {recent.days // 30} months. Ask for a newer one."


def _in_sentence(label: str) -> str:
    return label if label[:2].isupper() or label.startswith("British") else label[0].lower() + label[1:]


def _insufficient(documents: Sequence[Evidence]) -> str | None:
    if len(documents) != 3:
        return "Record three documents: one with a photo, one with the address, and one more."
    if len({(document.kind, document.number) for document in documents}) != 3:
        return "The same document was entered twice. Record three different documents."
    if not _prove_photo_and_address(documents):
        return "One document must have a photo and another must show the address."
    if not any(document.rule.identifies for document in documents):
        return "One document must be a passport, a driving licence or show the National Insurance number."
    return None


def _prove_photo_and_address(documents: Sequence[Evidence]) -> bool:
    """Whether one document can serve as the photo and a different one as the address."""
    return any(
        EvidenceCategory.PHOTO in one.rule.categories and EvidenceCategory.ADDRESS in other.rule.categories
        for one, other in permutations(documents, 2)
    )
