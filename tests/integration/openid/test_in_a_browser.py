"""Sign-in and the prescribing screen in a real Chromium: scripts, policies and forms as it applies them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.sign_in import HeldCard
from tests.support.ward import Ward

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """A page that is looked at with care: no accessibility violation, no complaint of the browser."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def require_sound(self, heading: str) -> None:
        expect(self.page.locator("h1")).to_have_text(heading)
        found = Axe().run(self.page, options={"runOnly": STANDARDS}).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
        assert [each for each in self.complaints if "responded with a status of" not in each] == []
        self._keep_picture(heading)

    def _keep_picture(self, heading: str) -> None:
        if folder := os.environ.get("PICTURES"):
            self.page.screenshot(path=f"{folder}/{heading.replace(' ', '-').lower()}.png", full_page=True)

    def card_answers(self, ward: Ward, held: HeldCard) -> None:
        """Play the card agent: sign the nonce of the link and send the browser back."""
        address = self.page.locator("#use-card").get_attribute("href") or ""
        nonce = parse_qs(urlsplit(address).query)["nonce"][0]
        self.page.goto(f"{ward.provider}/sign-in/card#{held.fragment(nonce, origin=ward.provider)}")


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    context = chromium.new_context(ignore_https_errors=True)
    context.set_default_timeout(15_000)
    yield Visitor(context.new_page())
    context.close()


def test_the_way_to_the_card_agent_is_made_anew_for_whoever_waits(ward: Ward, visitor: Visitor) -> None:
    page = visitor.page
    page.clock.install()
    page.goto(f"{ward.provider}/sign-in")
    first = page.locator("#use-card").get_attribute("href") or ""
    page.clock.fast_forward("06:00")
    page.route("http://127.0.0.1:24727/**", lambda route: route.fulfill(body="the card agent"))
    page.locator("#use-card").click()
    page.wait_for_url("http://127.0.0.1:24727/card?**")
    assert page.url != first


def test_from_the_screen_through_terms_and_role_and_back(ward: Ward, visitor: Visitor) -> None:
    uid, held = ward.clinician()
    ward.register.role(uid, "A81002", "R8008")
    page = visitor.page
    page.goto(ward.screen)
    visitor.require_sound("Sign in to prescribe")
    page.get_by_role("link", name="Sign in with your card").click()
    visitor.require_sound("Sign in with your card")
    visitor.card_answers(ward, held)
    visitor.require_sound("Terms of use")
    page.get_by_role("button", name="Go on").click()
    visitor.require_sound("Terms of use")
    page.get_by_label("I have read the terms").check()
    page.get_by_role("button", name="Go on").click()
    visitor.require_sound("Choose your role")
    page.get_by_label("A81001").check()
    page.get_by_role("button", name="Go on").click()
    # Two forms were sent on the way here, and the last hop leads to another origin.
    visitor.require_sound("Prescribing screen")
    expect(page.locator("#decision")).to_have_text("You may sign prescriptions")
    # Where it leads is the card agent's: the walk goes there (tests/journeys/test_the_walk.py).
    expect(page.get_by_role("button", name="Sign prescription")).to_be_enabled()
    page.get_by_role("button", name="Sign out").click()
    visitor.require_sound("Sign in to prescribe")


def test_no_word_breaks_on_a_small_screen(ward: Ward, visitor: Visitor) -> None:
    _, held = ward.clinician()
    page = visitor.page
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{ward.screen}/sign-in")
    visitor.card_answers(ward, held)
    page.get_by_label("I have read the terms").check()
    page.get_by_role("button", name="Go on").click()
    visitor.require_sound("Prescribing screen")
    page.locator("#role-name").evaluate("role => role.textContent = 'Practitioner'")
    height, line = page.locator("#role-name").evaluate(
        "role => [role.clientHeight, parseFloat(getComputedStyle(role).lineHeight)]"
    )
    assert height < 2 * line
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_token_leaves_the_address_at_once(ward: Ward, visitor: Visitor) -> None:
    _, held = ward.clinician()
    visitor.page.goto(f"{ward.provider}/sign-in")
    visitor.card_answers(ward, held)
    expect(visitor.page.locator("h1")).to_have_text("Terms of use")
    visitor.page.go_back()
    assert "#" not in visitor.page.url


def test_the_answer_page_without_an_answer(ward: Ward, visitor: Visitor) -> None:
    visitor.page.goto(f"{ward.provider}/sign-in/card")
    expect(visitor.page.locator("#no-answer")).to_be_visible()
    visitor.require_sound("Checking your card")


def test_a_token_of_another_browser_is_refused(ward: Ward, visitor: Visitor) -> None:
    _, held = ward.clinician()
    visitor.page.goto(f"{ward.provider}/sign-in/card#{held.fragment('n' * 44, origin=ward.provider)}")
    expect(visitor.page.locator("h1")).to_have_text("You are not signed in")
    visitor.require_sound("You are not signed in")


def test_somebody_who_may_not_prescribe(ward: Ward, visitor: Visitor) -> None:
    _, held = ward.clinician("R8008")
    visitor.page.goto(f"{ward.screen}/sign-in")
    visitor.card_answers(ward, held)
    visitor.page.get_by_label("I have read the terms").check()
    visitor.page.get_by_role("button", name="Go on").click()
    expect(visitor.page.locator("#decision")).to_have_text("You may not sign prescriptions")
    visitor.require_sound("Prescribing screen")


def test_signing_out_when_a_relying_party_asks_without_proof(ward: Ward, visitor: Visitor) -> None:
    _, held = ward.clinician()
    visitor.page.goto(f"{ward.provider}/sign-in")
    visitor.card_answers(ward, held)
    expect(visitor.page.locator("h1")).to_have_text("Terms of use")
    visitor.page.goto(f"{ward.provider}/openid/sign-out")
    visitor.require_sound("Do you want to sign out?")
    visitor.page.get_by_role("main").get_by_role("button", name="Sign out").click()
    visitor.require_sound("You are signed out")
