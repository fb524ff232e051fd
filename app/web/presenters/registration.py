"""What the registration form offers, and what its check page shows."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.evidence import DOCUMENT_RULES, Evidence
from app.domain.person import PersonSummary, Registration
from app.domain.professional_registration import NUMBER_FORMATS
from app.web.forms.registration import DOCUMENTS, ORDINALS, REGISTRATIONS
from app.web.presenters.search import people_table
from app.web.presenters.wording import Cell, Row, TableOf, day

_CHOOSE = {"value": "", "text": "Choose"}


@dataclass(frozen=True)
class FormRow:
    """A repeated group of fields: its legend and the beginning of its field names."""

    legend: str
    name: str


def _ordinal(row: int) -> str:
    return ORDINALS[row].capitalize()


class RegistrationChoices:
    """The selections that the form offers."""

    documents = (_CHOOSE, *({"value": kind, "text": rule.label} for kind, rule in DOCUMENT_RULES.items()))
    bodies = (
        {"value": "", "text": "None"},
        *({"value": body, "text": f"{form.label} ({form.example})"} for body, form in NUMBER_FORMATS.items()),
    )
    document_rows = tuple(FormRow(f"{_ordinal(row)} document", f"evidence.{row}") for row in DOCUMENTS)
    registration_rows = tuple(
        FormRow(f"{_ordinal(row)} registration (optional)", f"registrations.{row}") for row in REGISTRATIONS
    )


@dataclass(frozen=True)
class RegistrationCheckPage:
    """Everything entered, and who it might be already."""

    person_rows: tuple[Row, ...]
    documents: TableOf
    duplicates: TableOf


def registration_check_page(
    registration: Registration, duplicates: list[PersonSummary]
) -> RegistrationCheckPage:
    """The check page of one registration."""
    return RegistrationCheckPage(
        person_rows=_person_rows(registration),
        documents=documents_table(registration.evidence),
        duplicates=people_table(duplicates, "Possible duplicates"),
    )


def _person_rows(registration: Registration) -> tuple[Row, ...]:
    names = (registration.title, registration.given_name, registration.middle_names, registration.family_name)
    rows = (
        Row("Name", " ".join(name for name in names if name)),
        Row("Name on the card", registration.name_on_card),
        Row("Date of birth", day(registration.date_of_birth)),
        Row("E-mail", registration.email),
        Row("Mobile", registration.mobile or "Not given"),
    )
    numbers = (Row(NUMBER_FORMATS[each.body].label, each.number) for each in registration.registrations)
    return (*rows, *numbers)


def documents_table(evidence: tuple[Evidence, ...], *, has_numbers: bool = True) -> TableOf:
    """The documents that were seen; their numbers are for those who compare them with originals."""
    heads = ("Document", "Number", "Issued", "Expires")
    return TableOf(
        "Documents seen",
        heads if has_numbers else (heads[0], *heads[2:]),
        tuple(_document_row(document, has_numbers) for document in evidence),
    )


def _document_row(document: Evidence, has_numbers: bool) -> tuple[Cell, ...]:
    return (
        Cell(document.rule.label),
        *((Cell(document.normalised().number),) if has_numbers else ()),
        Cell(day(document.issued_on) or "Not needed"),
        Cell(day(document.expires_on) or "Not needed"),
    )
