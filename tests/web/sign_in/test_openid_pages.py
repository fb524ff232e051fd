"""The OpenID provider through its web addresses: a person's whole way, and what programs are answered."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.support.relying_party import answer_of, verified_claims
from tests.support.sign_in import HeldCard
from tests.support.web import ORIGIN, Browser
from tests.web.sign_in.conftest import SignInSite, refresh_target

Holder = tuple[str, HeldCard]


def ask(site: SignInSite, browser: Browser, **changes: str | None) -> Any:
    parameters = site.provider.party.request(**changes)
    return browser.client.get("/openid/authorize", query_string=parameters, base_url=ORIGIN)


def exchange(site: SignInSite, location: str) -> Any:
    form = site.provider.party.exchange(answer_of(location)["code"])
    return site.app.test_client().post("/openid/token", data=form, base_url=ORIGIN)


def ready(site: SignInSite, holder: Holder) -> Browser:
    browser = site.browser()
    site.sign_in(browser, holder[1])
    site.accept_terms(browser)
    return browser


def test_the_whole_way_from_a_relying_party_and_back(sign_in_site: SignInSite, holder: Holder) -> None:
    role = sign_in_site.register.role(holder[0])
    browser = sign_in_site.browser()
    assert ask(sign_in_site, browser).location == "/sign-in?again=yes"
    assert "The prescribing service asks you to sign in" in browser.get("/sign-in?again=yes").text
    sign_in_site.sign_in(browser, holder[1])
    sign_in_site.accept_terms(browser)
    # A page in between: browsers apply form-action to the redirects of a form, too.
    leave = browser.client.get("/sign-in/continue", base_url=ORIGIN)
    back = browser.client.get(refresh_target(leave.get_data(as_text=True)), base_url=ORIGIN)
    assert back.location.startswith(sign_in_site.provider.party.redirect_uri)
    tokens = exchange(sign_in_site, back.location).get_json()
    client = sign_in_site.app.test_client()
    jwks = client.get("/openid/jwks", base_url=ORIGIN).get_json()
    claims = verified_claims(tokens["id_token"], jwks)
    assert (claims["sub"], claims["selected_roleid"]) == (holder[0], role)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = client.get("/openid/userinfo", headers=bearer, base_url=ORIGIN).get_json()
    assert told["nhsid_nrbac_roles"][0]["spine_resolved_activities"] == ["B0278", "B0420"]


def test_somebody_signed_in_goes_straight_back(sign_in_site: SignInSite, holder: Holder) -> None:
    response = ask(sign_in_site, ready(sign_in_site, holder))
    assert response.status_code == 303
    assert response.location.startswith(sign_in_site.provider.party.redirect_uri)


def test_prompt_login_asks_for_the_card_and_then_lets_go(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = ready(sign_in_site, holder)
    assert ask(sign_in_site, browser, prompt="login").location == "/sign-in?again=yes"
    sign_in_site.sign_in(browser, holder[1])
    leave = browser.client.get("/sign-in/continue", base_url=ORIGIN).get_data(as_text=True)
    back = browser.client.get(refresh_target(leave), base_url=ORIGIN)
    assert "code=" in back.location


def test_a_request_that_waits_belongs_to_its_browser(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = sign_in_site.browser()
    ask(sign_in_site, browser)
    sign_in_site.sign_in(browser, holder[1])
    sign_in_site.accept_terms(browser)
    leave = browser.client.get("/sign-in/continue", base_url=ORIGIN).get_data(as_text=True)
    stranger = sign_in_site.browser()
    assert stranger.client.get(refresh_target(leave), base_url=ORIGIN).status_code == 400


def test_a_request_by_post(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = ready(sign_in_site, holder)
    request = sign_in_site.provider.party.request()
    sent_on = browser.client.post("/openid/authorize", data=request, base_url=ORIGIN)
    assert sent_on.status_code == 303
    assert "code=" in browser.client.get(sent_on.location, base_url=ORIGIN).location


def test_a_stranger_is_not_sent_anywhere(sign_in_site: SignInSite) -> None:
    browser = sign_in_site.browser()
    response = ask(sign_in_site, browser, redirect_uri="https://evil.example/")
    assert response.status_code == 400
    assert "not registered" in response.get_data(as_text=True)


def test_a_token_error_is_json_that_is_not_stored(sign_in_site: SignInSite) -> None:
    client = sign_in_site.app.test_client()
    response = client.post("/openid/token", data={"grant_type": "authorization_code"}, base_url=ORIGIN)
    assert (response.status_code, response.get_json()["error"]) == (401, "invalid_client")
    assert response.headers["Cache-Control"] == "no-store"


def test_a_token_answer_is_not_stored(sign_in_site: SignInSite, holder: Holder) -> None:
    response = exchange(sign_in_site, ask(sign_in_site, ready(sign_in_site, holder)).location)
    assert response.headers["Cache-Control"] == "no-store"


def test_userinfo_without_a_token(sign_in_site: SignInSite) -> None:
    response = sign_in_site.app.test_client().get("/openid/userinfo", base_url=ORIGIN)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_userinfo_takes_the_token_in_a_form_body(sign_in_site: SignInSite, holder: Holder) -> None:
    tokens = exchange(sign_in_site, ask(sign_in_site, ready(sign_in_site, holder)).location).get_json()
    client = sign_in_site.app.test_client()
    body = {"access_token": tokens["access_token"]}
    assert client.post("/openid/userinfo", data=body, base_url=ORIGIN).get_json()["sub"] == holder[0]


def test_discovery_and_keys_are_public(sign_in_site: SignInSite) -> None:
    client = sign_in_site.app.test_client()
    document = client.get("/.well-known/openid-configuration", base_url=ORIGIN)
    assert document.get_json()["issuer"] == ORIGIN
    assert "public" in document.headers["Cache-Control"]
    assert client.get("/openid/jwks", base_url=ORIGIN).get_json()["keys"]


def test_a_relying_party_signs_its_person_out(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = ready(sign_in_site, holder)
    tokens = exchange(sign_in_site, ask(sign_in_site, browser).location).get_json()
    wish = {
        "id_token_hint": tokens["id_token"],
        "post_logout_redirect_uri": sign_in_site.provider.party.signed_out_uri,
        "state": "s",
    }
    response = browser.client.get("/openid/sign-out", query_string=wish, base_url=ORIGIN)
    assert response.location == f"{sign_in_site.provider.party.signed_out_uri}?state=s"
    assert browser.client.get("/sign-in/terms", base_url=ORIGIN).location.startswith("/sign-in?")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    client = sign_in_site.app.test_client()
    assert client.get("/openid/userinfo", headers=bearer, base_url=ORIGIN).status_code == 401


def test_without_proof_the_person_is_asked(sign_in_site: SignInSite, holder: Holder) -> None:
    browser = ready(sign_in_site, holder)
    assert browser.get("/openid/sign-out").heading == "Do you want to sign out?"
    browser.get("/sign-in/terms")
    browser.get("/openid/sign-out")
    browser.send("/openid/sign-out/confirmed")
    assert browser.client.get("/sign-in/terms", base_url=ORIGIN).location.startswith("/sign-in?")


def test_no_token_reaches_a_log(
    sign_in_site: SignInSite, holder: Holder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    location = ask(sign_in_site, ready(sign_in_site, holder)).location
    tokens = exchange(sign_in_site, location).get_json()
    exchange(sign_in_site, location)
    for secret in (answer_of(location)["code"], tokens["access_token"], tokens["refresh_token"]):
        assert secret not in caplog.text
