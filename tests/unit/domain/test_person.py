"""Personal details, and when two people may be one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app.domain.person import (
    KnownPerson,
    Registration,
    name_key,
    reason_for_likely_duplicate,
    require_personal_details,
)
from app.domain.personal_name import written_name
from app.domain.professional_registration import (
    ProfessionalBody,
    ProfessionalRegistration,
    require_registrations,
)
from app.errors import InvalidInput

TODAY = date(2026, 11, 22)
AMARA = Registration(
    title="Dr",
    given_name="Amara",
    middle_names="",
    family_name="O’Neill-Osei",
    card_name="",
    date_of_birth=date(1985, 3, 27),
    email="amara.osei@example.nhs.uk",
    mobile="07700 900 123",
    registrations=(),
    evidence=(),
    photo=b"",
    confirmed_checked=True,
)
KNOWN = KnownPerson("Amara", "Osei", date(1985, 3, 27), "amara.osei@example.nhs.uk")


def problems(**changes: object) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        require_personal_details(replace(AMARA, **changes), TODAY)  # type: ignore[arg-type]
    return refused.value.problems


@pytest.mark.parametrize("name", ["O’Neill", "Smith-Jones", "St. John", "Łukasz", "李", "van der Berg"])
def test_names_of_all_kinds_are_taken(name: str) -> None:
    require_personal_details(replace(AMARA, family_name=name, given_name=name), TODAY)


@pytest.mark.parametrize(
    "name",
    ["", "  ", "R2D2", "<b>Amara</b>", "A\u202elice", "Eve\nAdmin", "A" * 101, "Zoë😀", "A•B", "5€", "-Jo"],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    assert "family_name" in problems(family_name=name)


def test_a_name_that_was_pasted_is_kept_as_it_reads() -> None:
    assert written_name("  Mary\u00a0\u2009 Ann ") == "Mary Ann"
    assert written_name("Zoe\u0308") == "Zoë"
    require_personal_details(replace(AMARA, given_name="Mary\u00a0Ann "), TODAY)


@pytest.mark.parametrize("day", [date(2026, 11, 23), date(2015, 1, 1), date(1900, 1, 1)])
def test_an_impossible_date_of_birth_is_refused(day: date) -> None:
    assert "date_of_birth" in problems(date_of_birth=day)


@pytest.mark.parametrize("email", ["", "amara", "amara@nhs", "a b@example.org", "a@b@example.org"])
def test_an_impossible_email_is_refused(email: str) -> None:
    assert "email" in problems(email=email)


def test_a_mobile_may_be_left_out_but_not_be_wrong() -> None:
    require_personal_details(replace(AMARA, mobile=""), TODAY)
    assert "mobile" in problems(mobile="0770")


def test_the_name_on_the_card_is_the_chosen_one_or_the_given_and_family_name() -> None:
    assert AMARA.name_on_card == "Amara O’Neill-Osei"
    assert replace(AMARA, card_name="Dr A Osei").name_on_card == "Dr A Osei"


def test_names_compare_without_case_accents_and_punctuation() -> None:
    assert name_key("O’NEILL") == name_key("o'neill") == "oneill"
    assert name_key("Zoë") == "zoe"


@pytest.mark.parametrize(
    "other",
    [
        KnownPerson("Ama", "Sarpong", date(1990, 1, 1), "AMARA.OSEI@example.nhs.uk"),
        KnownPerson("Amára", "Ossei", date(1985, 3, 27)),
        KnownPerson("Osei", "Amara", date(1985, 3, 27)),
        KnownPerson("Amara", "Mensah", date(1985, 3, 27)),
        KnownPerson("Amara", "Osei", date(1985, 3, 28)),
        KnownPerson("Amara", "Osei", date(1985, 5, 27)),
    ],
)
def test_likely_duplicates_have_a_reason(other: KnownPerson) -> None:
    assert reason_for_likely_duplicate(KNOWN, other)


def test_day_and_month_swapped_is_one_slip() -> None:
    assert reason_for_likely_duplicate(
        KnownPerson("Amara", "Osei", date(1985, 3, 4)), KnownPerson("Amara", "Osei", date(1985, 4, 3))
    )


@pytest.mark.parametrize(
    "other",
    [
        KnownPerson("Benedict", "Achebe", date(1985, 3, 27)),
        KnownPerson("Amara", "Osei", date(1962, 11, 9)),
        KnownPerson("Kwame", "Osei", date(1985, 3, 28)),
    ],
)
def test_others_are_not_taken_for_duplicates(other: KnownPerson) -> None:
    assert reason_for_likely_duplicate(KNOWN, other) == ""


@pytest.mark.parametrize(
    ("body", "number", "kept"),
    [
        (ProfessionalBody.GMC, "1234 567", "1234567"),
        (ProfessionalBody.NMC, "12a3456b", "12A3456B"),
        (ProfessionalBody.GPHC, "2045678", "2045678"),
        (ProfessionalBody.GDC, "12345", "12345"),
        (ProfessionalBody.GMP, "g1234567", "G1234567"),
    ],
)
def test_professional_numbers_are_kept_in_one_form(body: ProfessionalBody, number: str, kept: str) -> None:
    assert require_registrations([ProfessionalRegistration(body, number)])[0].number == kept


@pytest.mark.parametrize(
    ("body", "number"),
    [(ProfessionalBody.GMC, "123456"), (ProfessionalBody.NMC, "1234567A"), (ProfessionalBody.GPHC, "X")],
)
def test_a_professional_number_of_another_form_is_refused(body: ProfessionalBody, number: str) -> None:
    with pytest.raises(InvalidInput, match="Enter the"):
        require_registrations([ProfessionalRegistration(body, number)])


def test_a_body_stands_once() -> None:
    twice = [ProfessionalRegistration(ProfessionalBody.GMC, f"123456{digit}") for digit in "78"]
    with pytest.raises(InvalidInput, match="twice"):
        require_registrations(twice)
