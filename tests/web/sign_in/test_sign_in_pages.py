"""Signing in through the pages: challenge, card, terms, role, signing out; and what browsers may not do."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.audit_event import Outcome
from app.storage.tables.cards import card
from app.storage.tables.sessions import web_session
from tests.support.sign_in import OTHER_PRACTICE, HeldCard
from tests.support.web import ORIGIN
from tests.web.sign_in.conftest import SignInSite

Holder = tuple[str, HeldCard]


def test_the_whole_way_of_somebody_with_one_role(sign_in_site: SignInSite, holder: Holder) -> None:
    uid, held = holder
    role = sign_in_site.register.role(uid)
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, held)
    assert browser.client.get("/sign-in/continue", base_url=ORIGIN).location == "/sign-in/terms"
    sign_in_site.accept_terms(browser)
    assert browser.client.get("/sign-in/continue", base_url=ORIGIN).location == "/"
    [chosen] = sign_in_site.register.events("role.chosen")
    assert chosen.subject == role


def test_the_terms_are_asked_once(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, holder[1])
    sign_in_site.accept_terms(browser)
    again = sign_in_site.browser()
    sign_in_site.sign_in(again, holder[1])
    assert again.client.get("/sign-in/continue", base_url=ORIGIN).location == "/"
    assert len(sign_in_site.register.events("terms.accepted")) == 1


def test_the_terms_must_be_accepted(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, holder[1])
    browser.get("/sign-in/terms")
    browser.send("/sign-in/terms", expect=422)
    browser.get("/sign-in/terms")
    assert "changed" in browser.send(
        "/sign-in/terms", expect=409, accepted="yes", version="2020-01"
    ).get_data(as_text=True)
    assert browser.client.get("/people", base_url=ORIGIN).location == "/sign-in/continue"


def test_several_roles_are_offered_and_the_last_one_comes_first(
    sign_in_site: SignInSite, holder: Holder
) -> None:
    uid, held = holder
    sign_in_site.register.role(uid)
    second = sign_in_site.register.role(uid, OTHER_PRACTICE, "R8008")
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, held)
    sign_in_site.accept_terms(browser)
    assert browser.client.get("/sign-in/continue", base_url=ORIGIN).location == "/sign-in/role"
    browser.get("/sign-in/role")
    browser.send("/sign-in/role", expect=422, role="")
    browser.send("/sign-in/role", role=second)
    page = browser.client.get("/sign-in/role", base_url=ORIGIN).get_data(as_text=True)
    assert page.index(OTHER_PRACTICE) < page.index("A81001")


def test_positions_with_the_same_job_role_are_told_apart(sign_in_site: SignInSite, holder: Holder) -> None:
    uid, held = holder
    for practice in ("A81001", OTHER_PRACTICE):
        sign_in_site.register.role(uid, practice)
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, held)
    sign_in_site.accept_terms(browser)
    offered = re.findall(r"Position \d+ \(Clinical[^)]*\)", browser.get("/sign-in/role").text)
    assert len(set(offered)) == 2


def test_many_roles_are_searched(sign_in_site: SignInSite, holder: Holder) -> None:
    uid, held = holder
    for number in range(6):
        sign_in_site.register.role(uid, f"Y0000{number}")
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, held)
    sign_in_site.accept_terms(browser)
    assert "Y00004" not in browser.get("/sign-in/role").text
    assert "Y00004" in browser.get("/sign-in/role?q=y00004").text
    assert "None of your roles" in browser.get("/sign-in/role?q=nowhere").text


def test_another_persons_role_cannot_be_chosen(sign_in_site: SignInSite, holder: Holder) -> None:
    uid, held = holder
    for organisation in ("A81001", "A81002"):
        sign_in_site.register.role(uid, organisation)
    foreign = sign_in_site.register.role(sign_in_site.register.person("Tom", "Okoro"))
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, held)
    sign_in_site.accept_terms(browser)
    browser.get("/sign-in/role")
    browser.send("/sign-in/role", expect=422, role=foreign)
    [tried] = sign_in_site.register.events("role.chosen")
    assert (tried.subject, tried.outcome, tried.reason) == (foreign, Outcome.REFUSED, "role_not_offered")


def test_no_role_is_said_plainly(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, holder[1])
    assert browser.get("/sign-in/role").heading == "You have no role yet"


def test_the_answer_page_hands_the_token_on_by_a_script_from_our_own_files(sign_in_site: SignInSite) -> None:
    browser = sign_in_site.browser()
    sign_in_site.nonce(browser)
    page = browser.get("/sign-in/card")
    assert page.form_to("/sign-in/card").fields["token"] == ""
    with browser.client.get("/static/sign-in.js", base_url=ORIGIN) as script:
        assert "replaceState" in script.get_data(as_text=True)
    assert "JavaScript" in browser.client.get("/sign-in/card", base_url=ORIGIN).get_data(as_text=True)


def test_the_session_key_changes_at_sign_in(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = sign_in_site.browser()
    nonce = sign_in_site.nonce(browser)
    before = sign_in_site.cookie(browser)
    sign_in_site.answer(browser, holder[1].fragment(nonce))
    assert sign_in_site.cookie(browser) not in ("", before)
    planted = sign_in_site.browser()
    planted.client.set_cookie("__Host-spine-ra", before, domain="localhost", secure=True)
    assert planted.client.get("/sign-in/terms", base_url=ORIGIN).location.startswith("/sign-in?")


def test_a_key_that_somebody_planted_is_never_taken_over(sign_in_site: SignInSite) -> None:
    browser = sign_in_site.browser()
    browser.client.set_cookie("__Host-spine-ra", "x" * 44, domain="localhost", secure=True)
    sign_in_site.nonce(browser)
    assert sign_in_site.cookie(browser) != "x" * 44


def test_the_cookie_holds_a_key_and_nothing_else(sign_in_site: SignInSite) -> None:
    browser = sign_in_site.browser()
    response = browser.client.get("/sign-in", base_url=ORIGIN)
    header = response.headers["Set-Cookie"]
    assert header.startswith("__Host-spine-ra=")
    assert all(part in header for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in header
    assert len(sign_in_site.cookie(browser)) == 44


def test_a_token_from_another_browser_is_refused(sign_in_site: SignInSite, holder: Holder) -> None:
    attacker, victim = sign_in_site.browser(), sign_in_site.browser()
    fragment = holder[1].fragment(sign_in_site.nonce(attacker))
    response = sign_in_site.answer(victim, fragment, expect=403)
    assert "This browser has no sign-in under way" in response.get_data(as_text=True)


@pytest.mark.parametrize("fragment", ["", "%%%", "e30", "A" * 60_000])
def test_anything_but_a_token_is_refused(sign_in_site: SignInSite, fragment: str) -> None:
    browser = sign_in_site.browser()
    sign_in_site.nonce(browser)
    response = sign_in_site.answer(browser, fragment, expect=403)
    assert "Your card could not be used" in response.get_data(as_text=True)


def test_a_token_needs_the_csrf_value_of_its_browser(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = sign_in_site.browser()
    fragment = holder[1].fragment(sign_in_site.nonce(browser))
    browser.post("/sign-in/card", {"token": fragment}, expect=400)


def test_a_lost_card_is_refused_with_what_to_do(sign_in_site: SignInSite, holder: Holder) -> None:
    sign_in_site.register.set(card, card.c.serial == holder[1].serial, status="lost")
    browser = sign_in_site.browser()
    response = sign_in_site.answer(browser, holder[1].fragment(sign_in_site.nonce(browser)), expect=403)
    assert "was reported lost" in response.get_data(as_text=True)


def test_signing_out_ends_the_session_at_once(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, holder[1])
    thief = sign_in_site.browser()
    thief.client.set_cookie("__Host-spine-ra", sign_in_site.cookie(browser), domain="localhost", secure=True)
    thief.get("/sign-in/terms")
    browser.get("/sign-in/terms")
    browser.send("/sign-out")
    assert sign_in_site.cookie(browser) == ""
    assert browser.get("/signed-out").heading == "You are signed out"
    assert thief.client.get("/sign-in/terms", base_url=ORIGIN).location.startswith("/sign-in?")
    [event] = sign_in_site.register.events("session.ended")
    assert (event.subject, event.actor_uid, event.details["why"]) == (holder[0], holder[0], "signed_out")


def test_a_session_that_was_not_used_asks_for_the_card_again(
    sign_in_site: SignInSite, holder: Holder
) -> None:
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, holder[1])
    idle = datetime.now(UTC) - timedelta(minutes=16)
    sign_in_site.register.set(web_session, web_session.c.uid == holder[0], last_used_at=idle)
    asked = browser.client.get("/sign-in/terms", base_url=ORIGIN).location
    assert asked.startswith("/sign-in?")
    # Looking at the sign-in page, which keeps where she wanted to go, gives nobody her session back.
    assert browser.get(asked).heading == "Sign in with your card"
    assert browser.client.get("/sign-in/terms", base_url=ORIGIN).location == asked


def test_a_session_ends_after_its_longest_life(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = sign_in_site.browser()
    sign_in_site.sign_in(browser, holder[1])
    past = datetime.now(UTC) - timedelta(seconds=1)
    sign_in_site.register.set(web_session, web_session.c.uid == holder[0], expires_at=past)
    assert browser.client.get("/sign-in/terms", base_url=ORIGIN).location.startswith("/sign-in?")


@pytest.mark.parametrize(
    ("asked", "goes_to"),
    [
        ("/people?q=osei", "/people?q=osei"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/%0d%0aX: y\r\n", "/"),
        ("javascript:alert(1)", "/"),
        ("/sign-in/role", "/"),
    ],
)
def test_after_signing_in_one_goes_to_our_own_pages_only(
    sign_in_site: SignInSite, holder: Holder, asked: str, goes_to: str
) -> None:
    browser = sign_in_site.browser()
    browser.client.get("/sign-in", query_string={"next": asked}, base_url=ORIGIN)
    sign_in_site.sign_in(browser, holder[1])
    sign_in_site.accept_terms(browser)
    assert browser.client.get("/sign-in/continue", base_url=ORIGIN).location == goes_to


def test_no_secret_reaches_a_log(
    sign_in_site: SignInSite, holder: Holder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = sign_in_site.browser()
    nonce = sign_in_site.nonce(browser)
    fragment = holder[1].fragment(nonce)
    sign_in_site.answer(browser, fragment)
    keys = [sign_in_site.cookie(browser)]
    sign_in_site.answer(browser, fragment, expect=403)
    for secret in (nonce, fragment, *keys):
        assert secret not in caplog.text
