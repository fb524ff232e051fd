"""The real pages of sign-in and of the OpenID provider, with cards and relying parties of the tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from app.domain.renewal import RenewalRules
from app.ra.changing_so_pins import ChangingSoPins
from app.ra.renewing import Renewing
from app.services import Services
from app.signin.browser_sessions import BrowserSessions
from app.signin.smartcard import SmartcardSignIn
from app.storage.database import Database
from app.web.application import create_app
from tests.support.openid_provider import Provider
from tests.support.registration_authority import POLICY
from tests.support.sign_in import ORIGIN, HeldCard, StaffRegister, authority
from tests.support.web import Browser, settings_for


@dataclass
class SignInSite:
    """The site, its register, and what a person at a browser does."""

    app: Flask
    register: StaffRegister
    provider: Provider

    def browser(self) -> Browser:
        return Browser(self.app.test_client())

    def nonce(self, browser: Browser) -> str:
        """Open the sign-in page and take the nonce from the link to the card agent."""
        page = browser.get("/sign-in?again=yes")
        [link] = [link for link in page.links if link.startswith("http://127.0.0.1:24727/card?")]
        query = parse_qs(urlsplit(link).query)
        assert query["op"] == [ORIGIN]
        return query["nonce"][0]

    def answer(self, browser: Browser, fragment: str, expect: int = 303) -> Any:
        """Come back from the card agent: the script's part is played by the test."""
        browser.get("/sign-in/card")
        return browser.send("/sign-in/card", expect=expect, token=fragment)

    def sign_in(self, browser: Browser, held: HeldCard) -> None:
        self.answer(browser, held.fragment(self.nonce(browser)))

    def accept_terms(self, browser: Browser) -> None:
        browser.get("/sign-in/terms")
        browser.send("/sign-in/terms", accepted="yes")

    def cookie(self, browser: Browser) -> str:
        found = browser.client.get_cookie("__Host-spine-ra", domain="localhost")
        return found.value if found else ""


@pytest.fixture
def sign_in_site(sqlite_database: Database, tmp_path: Path) -> SignInSite:
    register = StaffRegister(sqlite_database)
    provider = Provider(register)
    services = SimpleNamespace(
        sign_in=SmartcardSignIn(sqlite_database, authority().paths, ORIGIN),
        sessions=BrowserSessions(sqlite_database, POLICY),
        renewals=SimpleNamespace(beginning=Renewing(sqlite_database, RenewalRules())),
        unlocks=SimpleNamespace(changing=ChangingSoPins(sqlite_database)),
        openid=provider.openid,
    )
    app = create_app(settings_for(tmp_path), cast("Services", services))
    return SignInSite(app, register, provider)


@pytest.fixture
def holder(sign_in_site: SignInSite) -> tuple[str, HeldCard]:
    """Somebody with a card and no role."""
    uid = sign_in_site.register.person("Amara", "Osei")
    return uid, sign_in_site.register.card(uid)


def refresh_target(html: str) -> str:
    """Where a page's meta refresh goes."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', html)
    assert found
    return found.group(1).replace("&amp;", "&")
