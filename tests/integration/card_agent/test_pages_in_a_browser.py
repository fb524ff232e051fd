"""The agent's pages in Chromium: by keyboard alone, without script, with no accessibility violation."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from card_agent import card_operations
from card_agent.card_process import CardProcesses
from card_agent.driver import Driver
from card_agent.pin import Pin
from card_agent.virtual_cards import VirtualCardOpener, VirtualDesk
from tests.integration.card_agent.conftest import (
    HOLDER,
    OPERATOR,
    OPERATOR_PIN,
    AgentProcess,
    make_card,
)
from tests.support.desk_job_site import DeskJobSite

CHROMIUM = "/usr/bin/chromium"
NEW_PIN = "59174028"
# Where to leave screenshots, for whoever wants to look at the pages.
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, with patience enough for a machine that does much else."""
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, person: Driver, agent: AgentProcess) -> Iterator[Page]:
    """A page at the started agent. Whatever the console complains about fails the test."""
    context = browser.new_context(base_url=agent.origin, ignore_https_errors=True)
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "with a status of 4" not in message.text:
            complaints.append(message.text)

    page.on("console", note)
    yield page
    context.close()
    assert complaints == []


def check(page: Page, name: str) -> None:
    """No accessibility violation (axe: WCAG 2.2 A and AA, best practice); leave a screenshot if asked."""
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)
    violations = Axe().run(page).response["violations"]
    assert [(found["id"], [node["html"] for node in found["nodes"]]) for found in violations] == []


def hop(site: DeskJobSite) -> str:
    return "/card?" + urlencode({"op": site.origin, "nonce": "n" * 44})


def test_the_desk_is_worked_by_its_forms(page: Page, site: DeskJobSite) -> None:
    page.goto("/")
    assert page.locator(f'a[href="{site.origin}"]').is_visible()
    page.get_by_role("button", name="Take a new blank card into Reader 1").click()
    expect(page.get_by_role("button", name="Remove the card from Reader 1")).to_be_visible()
    check(page, "desk")
    page.get_by_role("button", name="Remove the card from Reader 1").click()
    page.get_by_role("button", name="Insert into Reader 2").click()
    expect(page.get_by_role("region", name="Reader 2")).to_contain_text("blank card")


def test_signing_in_by_keyboard_alone_with_a_wrong_pin_first(
    page: Page, site: DeskJobSite, operator_card: str
) -> None:
    page.goto(hop(site))
    check(page, "sign-in")
    expect(page.get_by_text("Grace Operator")).to_be_visible()
    expect(page.get_by_text(site.origin)).to_be_visible()
    press_until_focused(page, "pin")
    page.keyboard.type("26849370")
    page.keyboard.press("Enter")
    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Wrong PIN. You have 2 tries left.")
    expect(page).to_have_title(re.compile("^Error: Sign in to Test RA"))
    expect(page.get_by_label("PIN")).to_have_value("")
    check(page, "sign-in-wrong-pin")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("PIN")).to_be_focused()
    page.keyboard.type(OPERATOR_PIN)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/sign-in/card#"))
    assert page.url.startswith(f"{site.origin}/sign-in/card#ey")


def press_until_focused(page: Page, element_id: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == element_id:
            return
    raise AssertionError(f"{element_id} cannot be reached by keyboard")


def test_the_other_sign_in_pages_are_accessible(
    page: Page, site: DeskJobSite, operator_card: str, desk: VirtualDesk, desk_folder: Path
) -> None:
    make_card(desk, desk_folder, site, "right", HOLDER, NEW_PIN)
    page.goto(hop(site))
    check(page, "sign-in-two-cards")
    page.get_by_label("PIN", exact=True).fill(OPERATOR_PIN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#error-summary")).to_contain_text("Choose which card is yours. No try was used.")
    check(page, "sign-in-two-cards-none-chosen")
    page.get_by_label(re.compile("Grace Operator")).check()
    page.get_by_label("PIN", exact=True).fill("123")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".field-error")).to_contain_text("too few or too many digits")
    for reader in ("left", "right"):
        desk.remove(reader)
    page.goto(hop(site))
    check(page, "sign-in-no-card")
    page.get_by_role("link", name="Open the desk").click()
    page.get_by_role("button", name="Insert into Reader 1").click()
    check(page, "desk-with-way-back")
    page.get_by_role("link", name="Back to signing in").click()
    expect(page.get_by_label("PIN")).to_be_visible()
    page.goto(f"{hop(site).replace(urlencode({'op': site.origin}), 'op=https%3A%2F%2Fevil.example')}")
    expect(page.get_by_text("Do not enter your PIN")).to_be_visible()
    expect(page.get_by_role("link", name="Back to Test RA")).to_have_attribute("href", f"{site.origin}/")
    check(page, "refused")


def test_a_page_that_waits_for_a_card_goes_on_when_it_is_put_in(
    page: Page, site: DeskJobSite, operator_card: str, operator_certificate: bytes, desk: VirtualDesk
) -> None:
    desk.remove("left")
    page.goto(hop(site))
    expect(page.get_by_text("Insert your card into a reader.")).to_be_visible()
    desk.insert("left", operator_card)
    expect(page.get_by_label("PIN")).to_be_visible()
    desk.remove("left")
    page.goto(site.hop(site.begin(HOLDER, OPERATOR, operator_certificate)))
    expect(page.get_by_text("Insert the card of Grace Operator (the operator)")).to_be_visible()
    desk.insert("left", operator_card)
    expect(page.get_by_text("Insert a blank card into the other reader.")).to_be_visible()
    desk.take_blank("right")
    expect(page.get_by_label("Your PIN, Grace Operator")).to_be_visible()


def test_a_card_is_issued_while_the_page_shows_every_step(
    page: Page, site: DeskJobSite, operator_certificate: bytes, desk: VirtualDesk
) -> None:
    job = site.begin(HOLDER, OPERATOR, operator_certificate)
    page.goto(site.hop(job))
    expect(page.get_by_text("Insert a blank card into the other reader.")).to_be_visible()
    check(page, "issue-no-blank-card")
    page.get_by_role("link", name="Open the desk").click()
    page.get_by_role("button", name="Take a new blank card into Reader 2").click()
    page.get_by_role("link", name="Back to issuing the card of Amara Holder").click()
    page.get_by_label("Your PIN, Grace Operator").fill(OPERATOR_PIN)
    page.get_by_label("New PIN", exact=True).fill(NEW_PIN)
    page.get_by_label("New PIN again").fill(NEW_PIN[::-1])
    check(page, "issue-form")
    page.get_by_role("button", name="Issue the card").click()
    expect(page.locator("#error-summary")).to_contain_text("are not the same")
    check(page, "issue-form-error")
    fill_and_issue(page)
    expect(page.get_by_role("heading", name="The card is issued")).to_be_visible()
    expect(page.locator("tr[data-state=done]")).to_have_count(9)
    check(page, "issued")
    expect(page.get_by_role("link", name="Back to Test RA")).to_have_attribute(
        "href", f"{site.origin}/issuances/{job.id}"
    )
    assert "ticket" not in page.url


def test_a_slip_of_the_operator_does_not_make_the_holder_type_a_new_pin_again(
    page: Page, site: DeskJobSite, operator_certificate: bytes, desk: VirtualDesk, desk_folder: Path
) -> None:
    serial = desk.take_blank("right")
    page.goto(site.hop(site.begin(HOLDER, OPERATOR, operator_certificate)))
    fill_pins(page)
    for slip, problem in (("123", "too few or too many digits"), ("26849370", "You have 2 tries left")):
        page.get_by_label("Your PIN, Grace Operator").fill(slip)
        page.get_by_role("button", name="Issue the card").click()
        expect(page.locator("#error-summary")).to_contain_text(problem)
        expect(page.locator("#new-pin-waits")).to_contain_text(
            "Amara Holder: the new PIN that you chose is kept"
        )
        expect(page.get_by_label("New PIN", exact=True)).to_have_count(0)
        assert NEW_PIN not in page.content()
    check(page, "issue-new-pin-waits")
    page.get_by_role("button", name="Choose another new PIN").press("Enter")
    expect(page.get_by_label("New PIN", exact=True)).to_be_visible()
    fill_pins(page)
    page.get_by_label("Your PIN, Grace Operator").fill("123")
    page.get_by_role("button", name="Issue the card").click()
    press_until_focused(page, "operator_pin")
    page.keyboard.type(OPERATOR_PIN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The card is issued")).to_be_visible()
    processes = CardProcesses(VirtualCardOpener(desk_folder))
    processes.run(serial, card_operations.check_pin, [Pin(NEW_PIN)])


def test_whoever_goes_back_after_a_mistake_finds_the_form(
    page: Page, site: DeskJobSite, operator_certificate: bytes, desk: VirtualDesk
) -> None:
    desk.take_blank("right")
    page.goto(site.hop(site.begin(HOLDER, OPERATOR, operator_certificate)))
    for _ in range(2):
        page.get_by_label("Your PIN, Grace Operator").fill("123")
        page.get_by_role("button", name="Issue the card").click()
        expect(page.locator("#error-summary")).to_contain_text("The new PIN must be")
    for _ in range(2):
        page.go_back()
        expect(page.get_by_label("Your PIN, Grace Operator")).to_be_visible()
    fill_and_issue(page)
    expect(page.get_by_role("heading", name="The card is issued")).to_be_visible()


def test_whoever_goes_back_to_a_wrong_pin_can_sign_in(
    page: Page, site: DeskJobSite, operator_card: str
) -> None:
    page.goto(hop(site))
    for slip in ("12a4", "1b34"):
        page.get_by_label("PIN", exact=True).fill(slip)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#error-summary")).to_contain_text("only digits")
    page.go_back()
    page.get_by_label("PIN", exact=True).fill(OPERATOR_PIN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site.origin}/**")


def fill_and_issue(page: Page) -> None:
    """Enter every PIN as it should be, and press the button."""
    fill_pins(page)
    page.get_by_role("button", name="Issue the card").click()


def fill_pins(page: Page) -> None:
    page.get_by_label("Your PIN, Grace Operator").fill(OPERATOR_PIN)
    page.get_by_label("New PIN", exact=True).fill(NEW_PIN)
    page.get_by_label("New PIN again").fill(NEW_PIN)


def test_a_form_pressed_twice_is_sent_once(
    page: Page, site: DeskJobSite, operator_certificate: bytes, desk: VirtualDesk
) -> None:
    page.goto(hop(site))
    page.get_by_label("PIN").fill(OPERATOR_PIN)
    page.get_by_role("button", name="Sign in").dblclick()
    page.wait_for_url(re.compile(r"/sign-in/card#"))
    desk.take_blank("right")
    page.goto(site.hop(site.begin(HOLDER, OPERATOR, operator_certificate)))
    form = page.url
    fill_pins(page)
    page.get_by_role("button", name="Issue the card").dblclick()
    expect(page.get_by_role("heading", name="The card is issued")).to_be_visible()
    page.goto(form)
    expect(page.get_by_role("heading", name="The card is issued")).to_be_visible()


def test_a_failed_step_is_shown_and_the_page_goes_on(
    page: Page, site: DeskJobSite, operator_certificate: bytes, desk: VirtualDesk
) -> None:
    desk.take_blank("right")
    job = site.begin(HOLDER, OPERATOR, operator_certificate)
    site.after["certificate-requests"] = lambda: desk.remove("right")
    page.goto(site.hop(job))
    fill_and_issue(page)
    expect(page.get_by_role("heading", name="The card is not finished")).to_be_visible()
    expect(page.locator("#error-summary")).to_contain_text("was taken out of the reader")
    check(page, "issue-failed")
    require_steps_fit(page)
    page.get_by_role("button", name="Go on with this card").click()
    page.get_by_role("link", name="Open the desk").click()
    page.get_by_role("button", name="Insert into Reader 2").click()
    page.get_by_role("link", name="Back to issuing").click()
    page.get_by_label("PIN of the new card").fill(NEW_PIN)
    check(page, "issue-go-on")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="The card is issued")).to_be_visible()
    assert job.state == "active"


def require_steps_fit(page: Page) -> None:
    """On a small screen the steps are no wider than what stands above them."""
    before = page.viewport_size
    assert before
    page.set_viewport_size({"width": 320, "height": 800})
    wide, room = (page.locator(each).evaluate("each => each.offsetWidth") for each in ("#steps", "h1"))
    assert wide <= room
    page.set_viewport_size(before)


def test_going_on_while_the_site_is_down_keeps_the_page(
    page: Page, site: DeskJobSite, operator_certificate: bytes, desk: VirtualDesk
) -> None:
    def gone() -> None:
        raise ConnectionResetError

    serial = desk.take_blank("right")
    job = site.begin(HOLDER, OPERATOR, operator_certificate)
    site.after["personalisation"] = lambda: desk.remove("right")
    page.goto(site.hop(job))
    fill_and_issue(page)
    expect(page.locator("#error-summary")).to_contain_text("was taken out of the reader")
    desk.insert("right", serial)
    site.before["job"] = gone
    page.get_by_role("button", name="Go on with this card").click()
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.locator("#error-summary")).to_contain_text("Test RA does not answer")
    check(page, "issue-site-down")
    page.get_by_role("button", name="Go on with this card").click()
    page.get_by_label("New PIN", exact=True).fill(NEW_PIN)
    page.get_by_label("New PIN again").fill(NEW_PIN)
    # Keys are made anew, and the operator signs for exactly these.
    page.get_by_label("Your PIN, Grace Operator").fill(OPERATOR_PIN)
    page.get_by_role("button", name="Issue the card").click()
    expect(page.get_by_role("heading", name="The card is issued")).to_be_visible()


def test_without_script_the_page_renews_itself(
    browser: Browser, person: Driver, agent: AgentProcess, site: DeskJobSite, operator_certificate: bytes
) -> None:
    person.take_blank("right")
    job = site.begin(HOLDER, OPERATOR, operator_certificate)
    context = browser.new_context(base_url=agent.origin, java_script_enabled=False)
    page = context.new_page()
    page.goto(site.hop(job))
    fill_and_issue(page)
    expect(page.get_by_role("heading", name="The card is issued")).to_be_visible(timeout=30_000)
    context.close()


def test_the_last_try_by_keyboard_alone(page: Page, site: DeskJobSite, operator_card: str) -> None:
    for _ in range(2):
        page.goto(hop(site))
        page.get_by_label("PIN").fill("26849370")
        page.keyboard.press("Enter")
        expect(page.locator("#error-summary")).to_be_focused()
    page.goto(hop(site))
    expect(page.locator("main")).to_contain_text("somebody else must agree")
    check(page, "sign-in-last-try")
    page.get_by_role("link", name=re.compile("Use the last try")).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("The last try of")
    check(page, "last-try")
    page.get_by_role("button", name="Use the last try").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_be_focused()
    check(page, "last-try-problems")
    page.get_by_label(re.compile("PIN of the card")).fill(OPERATOR_PIN)
    page.get_by_label(re.compile("User id")).fill(HOLDER["uid"])
    page.get_by_label(re.compile("I am the second person")).press("Space")
    page.get_by_role("button", name="Use the last try").press("Enter")
    expect(page.locator("main")).to_contain_text("3 tries of the PIN left")
    check(page, "last-try-used")
    page.get_by_role("link", name="Back to signing in to Test RA").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sign in to")
    page.get_by_label("PIN").fill(OPERATOR_PIN)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/sign-in/card#"))


def test_the_reader_doctor_by_keyboard_alone(page: Page, site: DeskJobSite, operator_card: str) -> None:
    page.goto("/")
    page.get_by_role("link", name=re.compile("Look at this workstation")).press("Enter")
    expect(page.locator("main")).to_contain_text("This workstation works")
    expect(page.locator("main")).not_to_contain_text("Grace")
    check(page, "doctor")
    page.get_by_role("button", name="Send the report to Test RA").press("Enter")
    expect(page.locator("main")).to_contain_text("K7QF-3M2P")
    check(page, "doctor-sent")
