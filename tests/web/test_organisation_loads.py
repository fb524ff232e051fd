"""Loading organisations and deciding on those that close, page by page."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest

from app.domain.organisation_load import LoadStatus
from bench import ods_xml
from tests.support.registration_authority import PRACTICE, RA, today
from tests.support.web import ORIGIN, Site, practice_record, uploaded

LOADS, CLOSINGS = "/organisation-loads", "/closing-organisations"


def status(site: Site, load_id: str) -> LoadStatus:
    return site.services.loads.load(site.office.manager, load_id).status


def test_a_file_is_handed_in_looked_at_and_applied(site: Site) -> None:
    browser = site.as_role("manager")
    browser.get(LOADS)
    answer = browser.send(
        LOADS, kind="full", file=uploaded(gzip.compress(ods_xml.as_bytes(60)), "full.xml.gz")
    )
    assert "It is being compared" in browser.get(answer.location).text
    assert "Waiting for its turn." in browser.get(answer.location).text
    site.carry()
    page = browser.get(answer.location)
    assert "Nothing has been changed yet" in page.text
    assert "Organisations by kind of change: new 60, changed 0, closed 0" in page.text
    assert "Next 50" in page.text
    more = next(link for link in page.links if "after=" in link)
    assert "Next 50" not in browser.get(more).text
    browser.get(answer.location)
    browser.send(f"{answer.location}/apply")
    assert "0 of 60 changes applied." in browser.get(answer.location).text
    site.carry()
    assert "This load is applied." in browser.get(answer.location).text
    assert "LEEDS" in browser.get("/organisations?q=leeds").text


def test_a_change_is_shown_field_by_field(site: Site) -> None:
    load_id = site.previewed_load(PRACTICE)
    page = site.as_role("manager").get(f"{LOADS}/{load_id}")
    assert f"name: HONITON SURGERY → PRACTICE {PRACTICE}" in page.text


def test_what_was_not_understood_or_refused_is_on_the_page(site: Site) -> None:
    records = [
        practice_record("A81001") | {"Mystery": {"<b>": 1}},
        practice_record("A81002") | {"Status": "<i>"},
    ]
    load_id = site.load_of(content=json.dumps(records).encode())
    site.carry()
    page = site.as_role("manager").get(f"{LOADS}/{load_id}")
    assert "The element mystery is not known here" in page.text
    assert "The status '<i>' is neither Active nor Inactive." in page.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "Say whether the file has every organisation."),
        ({"kind": "full"}, "Choose a file."),
        ({"kind": "full", "file": b""}, "The file is empty."),
        ({"kind": "full", "file": b"<html>404</html>"}, "The file is a web page"),
        ({"kind": "full", "file": b"a,b"}, "Say which report it is"),
        ({"kind": "full", "file": b"{}", "report": "../../etc/passwd"}, "Choose one of the reports."),
    ],
)
def test_a_file_that_cannot_be_used_is_told_at_its_field(
    site: Site, fields: dict[str, object], told: str
) -> None:
    browser = site.as_role("manager")
    browser.get(LOADS)
    sent = {
        name: uploaded(each, "x.dat") if isinstance(each, bytes) else each for name, each in fields.items()
    }
    browser.send(LOADS, expect=422, **sent)
    assert browser.page is not None
    assert told in browser.page.text


def test_a_broken_file_fails_with_what_to_do(site: Site) -> None:
    load_id = site.load_of(content=ods_xml.as_bytes(3)[:900])
    site.carry()
    assert "Download the file again." in site.as_role("manager").get(f"{LOADS}/{load_id}").text


def test_a_stale_preview_offers_to_be_made_again_and_nothing_else(site: Site) -> None:
    load_id, other = site.previewed_load("A81001"), site.previewed_load("A81002")
    browser = site.as_role("manager")
    browser.get(f"{LOADS}/{load_id}")
    site.services.loads.apply(site.office.manager, other)
    site.carry()
    browser.send(f"{LOADS}/{load_id}/apply", expect=409)
    page = browser.get(f"{LOADS}/{load_id}")
    assert "Make the preview again." in page.text
    assert not [form for form in page.forms if form.action.endswith("/apply")]
    browser.send(f"{LOADS}/{load_id}/preview")
    site.carry()
    browser.get(f"{LOADS}/{load_id}")
    browser.send(f"{LOADS}/{load_id}/apply")
    assert status(site, load_id) is LoadStatus.APPLYING


def test_a_load_is_thrown_away(site: Site) -> None:
    load_id, browser = site.previewed_load(), site.as_role("manager")
    browser.get(f"{LOADS}/{load_id}")
    answer = browser.send(f"{LOADS}/{load_id}/discard")
    assert "Nothing was changed." in browser.get(answer.location).text
    assert status(site, load_id) is LoadStatus.DISCARDED


def test_progress_is_told_to_the_script(site: Site) -> None:
    load_id, browser = site.previewed_load(), site.as_role("manager")
    site.services.loads.apply(site.office.manager, load_id)
    answer = browser.client.get(f"{LOADS}/{load_id}/progress.json", base_url=ORIGIN)
    assert answer.json == {"status": "applying", "percent": 0, "text": "0 of 1 change applied."}


def test_a_large_body_is_taken_only_of_somebody_who_may_load(site: Site) -> None:
    claimed = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": str(200 * 1024**2)}
    for role, expected in (("clinician", 413), ("agent", 413)):
        client = site.as_role(role).client
        assert client.post(LOADS, base_url=ORIGIN, environ_overrides=claimed).status_code == expected
    too_large = claimed | {"CONTENT_LENGTH": str(300 * 1024**2)}
    answer = site.as_role("manager").client.post(LOADS, base_url=ORIGIN, environ_overrides=too_large)
    assert answer.status_code == 413
    assert "a file of organisations 256 MB" in answer.get_data(as_text=True)


def test_another_page_of_changes_takes_any_text(site: Site) -> None:
    load_id, browser = site.previewed_load(), site.as_role("manager")
    for asked in ("?change=%01", "?change=missing&after=%27%20OR%201=1", "?after=" + "Z" * 500):
        browser.get(f"{LOADS}/{load_id}{asked}")
    for address in (f"{LOADS}/none", f"{CLOSINGS}/none"):
        browser.get(address, expect=404)


def test_access_ends_when_the_manager_says_so(site: Site) -> None:
    closing_id, browser = site.closing(), site.as_role("manager")
    assert "1 organisation to decide on." in browser.get("/").text
    assert "1 role of 1 person, 1 position" in browser.get(CLOSINGS).text
    page = browser.get(f"{CLOSINGS}/{closing_id}")
    assert "End access on 31 March 2026" in page.text
    browser.send(f"{CLOSINGS}/{closing_id}/decision", expect=422)
    answer = browser.send(f"{CLOSINGS}/{closing_id}/decision", decision="end")
    assert "Access to the organisation ends on its last day." in browser.get(answer.location).text
    assert "No organisation closes where people still have access." in browser.get(CLOSINGS).text


def test_a_decision_is_postponed_or_handed_on(site: Site) -> None:
    closing_id, browser, later = site.closing(), site.as_role("manager"), today() + timedelta(days=30)
    action = f"{CLOSINGS}/{closing_id}/decision"
    browser.get(f"{CLOSINGS}/{closing_id}")
    browser.send(action, expect=422, decision="postpone")
    day = {"until-day": later.day, "until-month": later.month, "until-year": later.year}
    browser.send(action, decision="postpone", reason="The merger is late.", **day)
    assert "Postponed to" in browser.get(CLOSINGS).text
    browser.get(f"{CLOSINGS}/{closing_id}")
    browser.send(action, expect=422, decision="hand_on", successor=PRACTICE)
    browser.send(action, decision="hand_on", successor=RA.lower())
    assert "General practitioner" in browser.get(f"/organisations/{RA}").text
    browser.get(f"{CLOSINGS}/{closing_id}")
    browser.send(action, expect=409, decision="end")
