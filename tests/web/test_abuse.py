"""What somebody would try who wants to do what the pages do not offer."""

from __future__ import annotations

import io
import logging
from typing import NoReturn

import pytest

from app.errors import Unavailable
from tests.support.registration_authority import PRACTICE, another, today
from tests.support.web import COOKIE, ORIGIN, Site


def csrf_of(site: Site, role: str) -> tuple[object, str]:
    browser = site.as_role(role)
    return browser, browser.get("/").form_to("/sign-out").fields["csrf_value"]


@pytest.mark.parametrize("value", ["", "x", "☃", "A" * 43])
def test_a_form_without_this_sessions_value_changes_nothing(site: Site, value: str) -> None:
    uid = site.office.person(another(30)).uid
    browser = site.as_role("manager")
    browser.get("/")
    browser.post(f"/people/{uid}/issue-card", {"csrf_value": value}, expect=400)
    assert site.office.ra.issuing.open_issuances(site.office.manager) == []


def test_the_value_of_another_session_is_refused(site: Site) -> None:
    uid = site.office.person(another(31)).uid
    stolen = site.as_role("agent").get("/").form_to("/sign-out").fields["csrf_value"]
    victim = site.as_role("manager")
    victim.get("/")
    victim.post(f"/people/{uid}/issue-card", {"csrf_value": stolen}, expect=400)


def test_a_method_cannot_be_overridden(site: Site) -> None:
    uid = site.office.person(another(32)).uid
    browser = site.as_role("manager")
    answer = browser.client.get(
        f"/people/{uid}/issue-card?_method=POST", headers={"X-HTTP-Method-Override": "POST"}, base_url=ORIGIN
    )
    assert answer.status_code == 405


def test_somebody_elses_photo_needs_the_permission_to_find_people(site: Site) -> None:
    uid = site.office.person(another(33)).uid
    clinician = site.as_role("clinician")
    assert clinician.client.get(f"/people/{uid}/photo", base_url=ORIGIN).status_code == 403
    assert clinician.client.get("/my/photo", base_url=ORIGIN).status_code == 200


def test_a_picture_is_not_opened_for_somebody_who_may_not_register(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> NoReturn:
        raise AssertionError("a stranger's picture was opened")

    browser, value = csrf_of(site, "clinician")
    monkeypatch.setattr("app.adapters.photo._opened", opened)
    fields = {"csrf_value": value, "step": "check", "photo": (io.BytesIO(b"\x89PNG"), "a.png")}
    answer = browser.client.post(  # type: ignore[attr-defined]
        "/people/register", data=fields, content_type="multipart/form-data", base_url=ORIGIN
    )
    assert answer.status_code == 403
    assert site.office.ra.audited()[-1] == ("person.registered", "refused", "not_permitted")


def test_nobody_grants_what_they_asked_for_or_what_is_for_themselves(site: Site) -> None:
    both = site.office.position("Agent and sponsor", "R5090", "B0274", "B1300")
    asker = site.office.person(another(34), both).uid
    subject = site.office.person(another(35)).uid
    ra = site.office.ra
    own = ra.requesting.request_position(ra.actor(asker), subject, both, today(), None, "x")
    about = ra.requesting.request_position(
        site.office.sponsor, asker, site.clinician_position, today(), None, "x"
    )
    browser = site.browser(asker)
    for request_id in (own, about):
        page = browser.get(f"/requests/{request_id}")
        assert not [form for form in page.forms if form.action.endswith("/decision")]
        value = page.form_to("/sign-out").fields["csrf_value"]
        fields = {"csrf_value": value, "decision": "grant", "reason": ""}
        browser.post(f"/requests/{request_id}/decision", fields, expect=403)
    assert ("access_request.granted", "refused", "cannot_decide_own_request") in ra.audited()
    assert ("access_request.granted", "refused", "cannot_decide_about_oneself") in ra.audited()


def test_nobody_issues_a_card_to_themselves(site: Site) -> None:
    agent = site.uid_of("agent")
    browser = site.browser(agent)
    page = browser.get(f"/people/{agent}")
    assert not [form for form in page.forms if form.action.endswith("/issue-card")]
    value = page.form_to("/sign-out").fields["csrf_value"]
    browser.post(f"/people/{agent}/issue-card", {"csrf_value": value}, expect=403)


def test_another_sponsors_request_is_not_to_be_seen(site: Site) -> None:
    sponsors = site.office.position("Second sponsor", "R8010", "B1300")
    other = site.office.person(another(36), sponsors).uid
    subject = site.office.person(another(37)).uid
    ra = site.office.ra
    request_id = ra.requesting.request_position(
        site.office.sponsor, subject, site.clinician_position, today(), None, "x"
    )
    site.browser(other).get(f"/requests/{request_id}", expect=404)


@pytest.mark.parametrize(
    "address",
    [
        "/people/1",
        "/people/65600575010x",
        "/people/000000000000",
        "/people/%00",
        "/people/..%2f..%2fetc%2fpasswd",
        "/requests/none",
        "/requests/" + "a" * 37,
        "/issuances/none",
        "/issuances/none/steps.json",
        "/positions/none",
        "/organisations/NONE",
        "/organisations/%27%20OR%201=1",
        "/static/../application.py",
        "/static/%2e%2e/application.py",
        "/logo",
        "/.git/config",
    ],
)
def test_what_does_not_exist_is_not_found(site: Site, address: str) -> None:
    site.as_role("manager").get(address, expect=404)


@pytest.mark.parametrize("text", ["%", "_", "' OR 1=1 --", "\\", "☃", "a" * 100, "%25", "[", "*"])
def test_a_search_takes_any_text(site: Site, text: str) -> None:
    browser = site.as_role("manager")
    for address in ("/people", "/organisations", "/audit"):
        answer = browser.client.get(address, query_string={"q": text, "subject": text}, base_url=ORIGIN)
        assert answer.status_code == 200, address


def test_a_character_that_no_text_has_is_refused_before_a_page_sees_it(site: Site) -> None:
    browser = site.as_role("manager")
    for address in ("/people?q=a%00b", "/people?%00=a", "/workstation-reports/a%00b"):
        assert "Type it anew" in browser.get(address, 422).text
    browser.get("/")
    browser.post("/sign-out", browser.page.form_to("/sign-out").fields | {"x": "a\0b"}, expect=422)
    assert browser.get("/").title


def test_huge_bodies_are_refused(site: Site) -> None:
    browser = site.as_role("manager")
    value = browser.get("/").form_to("/sign-out").fields["csrf_value"]
    ordinary = {"csrf_value": value, "reason": "x" * 70_000}
    browser.post(f"/organisations/{PRACTICE}/positions/new", {**ordinary, "notes": "x" * 250_000}, expect=413)
    browser.post("/issuances/none/undo", ordinary, expect=413)
    browser.post("/people/register", {**ordinary, "photo_kept": "A" * 2_000_000}, expect=413)
    claimed = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": "40000000"}
    answer = browser.client.post("/people/register", base_url=ORIGIN, environ_overrides=claimed)
    assert answer.status_code == 413


def test_a_session_that_somebody_planted_is_not_taken_over(site: Site) -> None:
    browser = site.browser()
    browser.client.set_cookie(COOKIE, "planted", domain="localhost", secure=True)
    assert browser.client.get("/my", base_url=ORIGIN).status_code == 303
    browser.client.set_cookie(COOKIE, "x" * 3_000, domain="localhost", secure=True)
    assert browser.client.get("/my", base_url=ORIGIN).status_code == 303


def test_a_fault_shows_a_reference_number_and_nothing_else(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> NoReturn:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(site.services.deciding, "open_requests", broken)
    with caplog.at_level(logging.ERROR):
        page = site.as_role("manager").get("/requests", expect=500)
    assert "the secret of the house" not in page.text
    reference = caplog.records[-1].getMessage().rpartition(" ")[2]
    assert reference in page.text


def test_a_dependency_that_is_down_is_named_with_what_was_kept(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> NoReturn:
        raise Unavailable("database", "The database cannot be reached. Nothing was changed. Try again soon.")

    monkeypatch.setattr(site.services.deciding, "open_requests", down)
    assert "Nothing was changed" in site.as_role("manager").get("/requests", expect=503).text


def test_an_error_page_that_fails_becomes_plain_text(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("templates are gone")

    monkeypatch.setattr("app.web.error_pages.render_page", broken)
    answer = site.as_role("manager").client.get("/nowhere", base_url=ORIGIN)
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")


def test_cookies_are_for_this_origin_and_no_script(site: Site) -> None:
    answer = site.browser().client.get("/sign-in", base_url=ORIGIN)
    cookies = answer.headers.getlist("Set-Cookie")
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_production_pins_https(site: Site, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    from dataclasses import replace

    from app.settings import Environment
    from app.web.application import create_app
    from tests.support.web import settings_for

    settings = settings_for(tmp_path)
    production = replace(settings, service=replace(settings.service, environment=Environment.PRODUCTION))
    client = create_app(production, site.services).test_client()
    assert "max-age=31536000" in client.get("/nowhere", base_url=ORIGIN).headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in site.browser().client.get("/nowhere", base_url=ORIGIN).headers
