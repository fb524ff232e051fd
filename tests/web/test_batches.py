"""The room of the batches: people are chosen, read and only then begun with; nothing of a list is lost."""

from __future__ import annotations

import csv
import io

import pytest

from tests.support.registration_authority import PRACTICE, another
from tests.support.web import ORIGIN, Browser, Site, uploaded

CHECK, LIST, BEGIN = "/batches/check", "/batches/list", "/batches"


@pytest.fixture
def people(site: Site) -> list[str]:
    return [site.office.person(another(number), site.clinician_position).uid for number in range(1, 4)]


def begun(browser: Browser) -> str:
    return str(browser.send(BEGIN, expect=303).location)


def report(browser: Browser, address: str) -> list[list[str]]:
    text = browser.client.get(f"{address}/report.csv", base_url=ORIGIN).text
    return list(csv.reader(io.StringIO(text)))


def test_a_file_is_read_line_by_line_and_the_good_lines_are_begun_with(site: Site, people: list[str]) -> None:
    site.office.card_for(people[1])
    browser = site.as_role("agent")
    browser.get("/batches")
    file = f"staff,uid\n=cmd(),{people[0]}\n<b>Kaur</b>,{people[1]}\n=nobody,\n{people[0]},{people[0]}\n"
    browser.send(CHECK, expect=200, title="Induction", file=uploaded(file.encode(), "people.csv"))
    told = browser.page.text
    assert "1 person gets a card. 3 lines of the list are left out" in told
    assert "already has the working card" in told
    assert "stands in line 2 already" in told
    address = begun(browser)
    page = browser.get(address)
    assert "0 of 1 card done" in page.text
    assert "Left out of this batch" in page.text
    heading, card, *left_out = report(browser, address)
    assert heading == ["number", "uid", "name", "card", "state", "ended_at", "reason"]
    assert card[:2] == ["1", people[0]]
    assert [row[4] for row in left_out] == ["Left out"] * 3
    assert left_out[0][6].startswith("Line 3 of the list: This person already has")
    assert left_out[1][1] == "'=nobody,", "a spreadsheet takes it for no formula"


def test_the_list_can_be_changed_with_nothing_typed_again(site: Site, people: list[str]) -> None:
    browser = site.as_role("manager")
    browser.get("/batches")
    browser.send(
        CHECK,
        expect=200,
        title="Leeds & York",
        people=f"{people[0]}\nnobody",
        **{"usable_from-day": "4", "usable_from-month": "1", "usable_from-year": "2037"},
    )
    page = browser.page
    assert "4 January 2037" in page.text
    browser.send(LIST, expect=200)
    form = browser.page.form_to(CHECK)
    assert form.fields["title"] == "Leeds & York"
    assert form.fields["people"].split() == [people[0], "nobody"]
    assert form.fields["usable_from-year"] == "2037"


def test_people_of_an_organisation_are_ticked_and_put_into_a_batch(site: Site, people: list[str]) -> None:
    site.office.card_for(people[2])
    browser = site.as_role("agent")
    assert f"/batches/choose?organisation={PRACTICE}" in browser.get(f"/organisations/{PRACTICE}").links
    browser.get(f"/batches/choose?organisation={PRACTICE.lower()}")
    assert "2 people with a position at" in browser.page.text
    ticked = [f"{people[0]}, Given; Family", f"{people[1]}, B"]
    browser.send(LIST, expect=200, person=ticked)
    browser.send(CHECK, expect=200, title="All of them")
    assert "2 people get a card." in browser.page.text
    assert begun(browser).startswith("/batches/")


def test_people_found_by_name_are_not_ticked(site: Site, people: list[str]) -> None:
    browser = site.as_role("agent")
    browser.get("/batches/choose?q=given")
    assert all(each in browser.page.text for each in people)
    assert browser.page.form_to(LIST).fields.keys() == {"csrf_value"}
    assert browser.get("/batches/choose?organisation=NOWHERE", expect=422).errors == []
    assert "There is no organisation NOWHERE." in browser.page.text
    assert "Enter the code of an organisation, or a name" not in browser.get("/batches/choose").text
    nothing = browser.get("/batches/choose?organisation=&q=+", expect=422)
    assert "Enter the code of an organisation, or a name or user id." in nothing.text


def test_who_changed_meanwhile_is_shown_again_before_anything_begins(site: Site, people: list[str]) -> None:
    browser = site.as_role("manager")
    browser.get("/batches")
    browser.send(CHECK, expect=200, title="Induction", people="\n".join(people))
    site.office.card_for(people[0])
    browser.send(BEGIN, expect=409)
    assert "has changed meanwhile" in browser.page.text
    assert "2 people get a card." in browser.page.text
    page = browser.get(begun(browser))
    assert "0 of 2 cards done" in page.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"title": "", "people": "1"}, "Give the batch a name"),
        ({"title": "Induction"}, "Give the user ids, one a line, or choose a file."),
        ({"title": "Induction", "people": "1" * 300_000}, "The list is too long for one batch."),
        ({"title": "A", "file": uploaded(b"1" * 300_000, "a.csv")}, "The file is larger than 256 kB."),
        (
            {"title": "A", "people": "1", "usable_from-day": "1", "usable_from-month": "1",
             "usable_from-year": "2001"},
            "Enter a day after today.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_form_is_said_at_its_fields(
    site: Site, fields: dict[str, object], told: str
) -> None:
    browser = site.as_role("manager")
    browser.get("/batches")
    browser.send(CHECK, expect=422, **fields)  # type: ignore[arg-type]
    assert told in browser.page.text
    assert browser.page.form_to(CHECK).fields["title"] == fields["title"]


def test_nobody_in_the_list_can_have_a_card(site: Site) -> None:
    browser = site.as_role("manager")
    browser.get("/batches")
    browser.send(CHECK, expect=200, title="Mine", people=f"{site.office.manager.uid}\n")
    assert "Nobody in this list can have a card. 1 line of the list is left out" in browser.page.text
    assert "cannot issue a card to yourself" in browser.page.text
    assert BEGIN not in [form.action for form in browser.page.forms]
