"""A form says what is wrong at each field, once, and keeps what was typed."""

from __future__ import annotations

from datetime import date

import pytest
from werkzeug.datastructures import MultiDict

from app.errors import InvalidInput
from app.web.forms.submitted import SubmittedForm


def test_text_is_trimmed_and_composed() -> None:
    assert SubmittedForm({"name": "  Rene\u0301e "}).text("name") == "Renée"


def test_a_missing_field_has_its_own_sentence() -> None:
    form = SubmittedForm()
    form.text("name", missing="Enter a name.")
    assert form.problem("name") == "Enter a name."
    assert form.problems.summary == [{"text": "Enter a name.", "href": "#name"}]


def test_text_that_is_too_long_or_cannot_be_printed_is_refused() -> None:
    form = SubmittedForm({"long": "x" * 101, "nul": "a\x00b"})
    form.text("long")
    form.text("nul")
    assert form.problems.by_field.keys() == {"long", "nul"}


@pytest.mark.parametrize(
    ("day", "month", "year", "expected"),
    [
        ("27", "3", "1985", date(1985, 3, 27)),
        ("01", "01", "2030", date(2030, 1, 1)),
        (" 2", "3 ", "1999", date(1999, 3, 2)),
        ("1", "May", "1990", date(1990, 5, 1)),
        ("1", "february", "1990", date(1990, 2, 1)),
        ("1/2/1990", "", "", date(1990, 2, 1)),
        ("1990-02-01", "", "", date(1990, 2, 1)),
        ("1 Sept 1990", "", "", date(1990, 9, 1)),
    ],
)
def test_a_date_is_read_from_three_boxes(day: str, month: str, year: str, expected: date) -> None:
    form = SubmittedForm({"born-day": day, "born-month": month, "born-year": year})
    assert form.day("born", what="The date of birth", missing="Enter it.") == expected


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [
        ("31", "2", "1985"),
        ("1", "", "1985"),
        ("x", "1", "1985"),
        ("1", "1", "85"),
        ("٣", "1", "1985"),
        ("1", "ma", "1985"),
        ("1/2/85", "", ""),
        ("1/2/3/1985", "", ""),
        ("1985", "", ""),
    ],
)
def test_a_date_that_is_none_is_refused_at_its_first_box(day: str, month: str, year: str) -> None:
    form = SubmittedForm({"born-day": day, "born-month": month, "born-year": year})
    assert form.day("born", what="The date of birth", missing="Enter it.") is None
    assert form.problems.summary[0]["href"] == "#born-day"
    assert form.problems.summary[0]["text"].startswith("The date of birth must be a real date")


def test_only_what_the_page_offered_can_be_chosen() -> None:
    form = SubmittedForm(MultiDict([("role", "root"), ("codes", "A"), ("codes", "B"), ("codes", "A")]))
    form.choice("role", ("nurse",), "Choose a role.")
    assert form.problem("role") == "Choose a role."
    assert form.choices("codes", ("A", "C")) == ("A",)


def test_problems_of_a_use_case_join_those_of_the_form() -> None:
    form = SubmittedForm({"name": ""})
    form.text("name", missing="Enter a name.")
    form.add_problems(InvalidInput({"name": "Another sentence.", "email": "Used already."}))
    assert form.problems.by_field == {"name": "Enter a name.", "email": "Used already."}
    with pytest.raises(InvalidInput):
        form.require_no_problems()
