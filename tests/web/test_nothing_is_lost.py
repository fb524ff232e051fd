"""What was typed survives a file too large, a session that ended, and a sign-in in another tab."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse, encode_multipart

from tests.support.web import COOKIE, Browser, Site, uploaded
from tests.support.web_answers import answers
from tests.support.web_pages import Page


def test_a_photo_that_is_too_large_loses_no_answer(site: Site) -> None:
    browser = site.as_role("agent")
    browser.get("/people/register")
    assert browser.page is not None
    csrf = browser.page.form_to("/people/register").fields["csrf_value"]
    boundary, body = encode_multipart({**answers(), "csrf_value": csrf, "photo": uploaded(bytes(10_000_000))})
    answer = browser.client.post(
        "/people/register",
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
        base_url="https://localhost:8443",
    )
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert "smaller than 8 MB" in page.text
    assert page.form_to("/people/register").fields["family_name"] == "Osei"


@pytest.mark.parametrize("name", ["O’Brien-Núñez", "D'Arcy", "Åse", "Ngũgĩ"])
def test_a_name_that_was_searched_for_is_filled_in(site: Site, name: str) -> None:
    page = site.as_role("agent").get(f"/people/register?{urlencode({'name': f'Zoë {name}'})}")
    assert page.form_to("/people/register").fields["family_name"] == name


def test_answers_sent_after_the_session_ended_are_handed_back(site: Site) -> None:
    browser = site.as_role("agent")
    browser.get("/people/register")
    assert browser.page is not None
    fields = {**browser.page.form_to("/people/register").fields, **answers()}
    del fields["photo"]
    browser.client.delete_cookie(COOKIE, domain="localhost")
    answer = _sent_by_our_page(browser, fields)
    assert answer.status_code == 401
    kept = Page(answer.get_data(as_text=True))
    assert kept.form_to("/people/register").fields["family_name"] == "Osei"
    signed_in = site.as_role("agent")
    answer = _sent_by_our_page(signed_in, kept.form_to("/people/register").fields)
    assert answer.status_code == 400
    again = Page(answer.get_data(as_text=True)).form_to("/people/register")
    shown = Page(_sent_by_our_page(signed_in, again.fields).get_data(as_text=True))
    assert shown.form_to("/people/register").fields["family_name"] == "Osei"
    assert "Choose a photo of the person." in shown.text


def test_answers_from_another_site_are_not_handed_back(site: Site) -> None:
    for origin in ("cross-site", "same-site", "none"):
        answer = site.browser().client.post(
            "/people/register",
            data={"family_name": "Planted"},
            headers={"Sec-Fetch-Site": origin},
            base_url="https://localhost:8443",
        )
        assert answer.status_code == 401
        assert "Planted" not in answer.get_data(as_text=True)


def _sent_by_our_page(browser: Browser, fields: dict[str, object]) -> TestResponse:
    return browser.client.post(
        "/people/register",
        data=fields,
        headers={"Sec-Fetch-Site": "same-origin"},
        base_url="https://localhost:8443",
    )
