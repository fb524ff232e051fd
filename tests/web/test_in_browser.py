"""The pages in a real browser: no accessibility violation, nothing blocked, the keyboard is enough."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import make_server

from app.domain.actor import Actor
from app.domain.figures import Sample
from app.domain.stock_delivery import Delivery
from tests.support.registration_authority import another, picture
from tests.support.web import COOKIE, Site

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
    " --no-first-run"
)
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def origin(site: Site) -> Iterator[str]:
    """The site on a port of its own."""
    with served(site.app) as origin:
        yield origin


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a port of its own, with a certificate made for the moment; its origin."""
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context="adhoc")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def context(chromium: Chromium) -> Iterator[BrowserContext]:
    context = chromium.new_context(ignore_https_errors=True)
    yield context
    context.close()


class Visitor:
    """Somebody signed in, or ``nobody``, at a page. Keeps what the browser complained about."""

    def __init__(self, context: BrowserContext, site: Site | None, origin: str, role: str) -> None:
        self.complaints: list[str] = []
        self._origin = origin
        self._context = context
        if site is None or role == "nobody":
            context.clear_cookies()
        else:
            self.carry(site.session_key(site.uid_of(role)))
        self.page: Page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def carry(self, session_key: str) -> None:
        """Be in this session from now on."""
        kept = {"secure": True, "httpOnly": True, "sameSite": "Lax"}
        self._context.add_cookies([{"name": COOKIE, "value": session_key, "url": self._origin, **kept}])  # type: ignore[typeddict-item]

    def open(self, address: str) -> Page:
        self.page.goto(f"{self._origin}{address}")
        return self.page

    def require_sound(self) -> None:
        """No accessibility violation, and nothing blocked by the policy or broken in a script."""
        assert self._violations() == []

    def require_fit(self) -> None:
        """The page does not scroll sideways."""
        size = self.page.viewport_size
        assert size is not None
        assert self._comes_to_fit(size["width"]), self.page.url

    def faults(self) -> list[str]:
        """All that ``require_sound`` finds, and whether the page scrolls sideways on a small screen too."""
        found = self._violations()
        self.complaints.clear()
        for width in (320, 1280):
            self.page.set_viewport_size({"width": width, "height": 800})
            found += [] if self._comes_to_fit(width) else [f"scrolls sideways at {width}"]
        return found

    def _comes_to_fit(self, width: int) -> bool:
        """Whether the page fits once it is laid out anew."""
        for _ in range(20):
            if self.page.evaluate("window.innerWidth") == width and self._fits():
                return True
            self.page.wait_for_timeout(50)
        return False

    def _violations(self) -> list[str]:
        found = Axe().run(self.page, options={"runOnly": STANDARDS}).response["violations"]
        violated = [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]
        expected = "responded with a status of"
        return violated + [complaint for complaint in self.complaints if expected not in complaint]

    def _fits(self) -> bool:
        widths = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        return bool(widths[0] <= widths[1])


def test_the_operators_plots_are_accessible_and_fit(context: BrowserContext, site: Site, origin: str) -> None:
    figures = {"part_up:directory": 1.0, "directory_operations:Search": 9.0, "directory_connections": 3.0}
    with site.office.ra.database.change() as work:
        for minute in range(30):
            work.monitoring.add(Sample(work.now - timedelta(minutes=minute), figures))
    visitor = Visitor(context, site, origin, "manager")
    for width in (1280, 320):
        visitor.page.set_viewport_size({"width": width, "height": 800})
        page = visitor.open("/operations?hours=72")
        page.get_by_text("As a table").first.click()
        visitor.require_sound()
        visitor.require_fit()
    assert page.get_by_role("img", name="Connections to the directory").is_visible()


def test_the_error_summary_takes_the_focus_and_leads_to_the_fields(
    context: BrowserContext, site: Site, origin: str
) -> None:
    visitor = Visitor(context, site, origin, "agent")
    page = visitor.open("/people/register")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_selector(".nhsuk-error-summary")
    assert page.evaluate("document.activeElement.className") == "nhsuk-error-summary"
    page.get_by_role("link", name="Enter the date of birth.").press("Enter")
    assert page.evaluate("document.activeElement.id") == "date_of_birth-day"
    visitor.require_sound()


def test_going_back_past_a_form_that_was_wrong_shows_a_page_of_ours(
    context: BrowserContext, site: Site, origin: str
) -> None:
    visitor = Visitor(context, site, origin, "agent")
    page = visitor.open("/people/register")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Choose a photo of the person.").click()
    page.get_by_role("link", name="Requests").click()
    page.go_back()
    assert page.get_by_role("heading", name="Register a person").is_visible()
    assert not page.get_by_text("There is a problem").is_visible()
    page.go_back()
    assert page.get_by_role("heading", name="Register a person").is_visible()


@pytest.mark.parametrize("content", [b"a letter", bytes(9_000_000)], ids=["a letter", "too large"])
def test_a_file_that_is_no_photo_is_refused_at_once(
    context: BrowserContext, site: Site, origin: str, content: bytes
) -> None:
    page = Visitor(context, site, origin, "agent").open("/people/register")
    file = page.locator("input[type=file][name=photo]")
    file.set_input_files({"name": "letter.jpg", "mimeType": "image/jpeg", "buffer": content})
    expect(page.locator("#crop-said")).to_have_text(re.compile("letter.jpg is"))
    assert page.get_by_text("No file chosen").is_visible()


def test_the_photo_is_fitted_with_the_keyboard(
    context: BrowserContext, site: Site, origin: str, tmp_path: Path
) -> None:
    photo = tmp_path / "face.jpg"
    photo.write_bytes(picture(900, 700))
    visitor = Visitor(context, site, origin, "agent")
    page = visitor.open("/people/register")
    page.set_input_files("input[name=photo]", photo)
    page.wait_for_selector("#crop-tool:not([hidden])")
    assert "Photo chosen" in page.inner_text("#crop-said")
    page.focus("#photo-zoom")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert page.input_value("#photo-zoom") == "105"
    assert page.input_value("#photo-across") == "49"
    visitor.require_sound()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_selector(".nhsuk-error-summary")
    assert page.locator("img[alt='The photo chosen before']").evaluate("image => image.naturalWidth") == 480


def test_steps_appear_as_they_happen(context: BrowserContext, site: Site, origin: str) -> None:
    office = site.office
    desk = office.begun(office.person(another(43)).uid)
    visitor = Visitor(context, site, origin, "manager")
    page = visitor.open(f"/issuances/{desk.id}")
    page.evaluate("window.notLoadedAgain = true")
    desk.jobs.fail(desk.job_token, desk.id, step="record_intention", reason="The reader is empty.")
    page.locator(
        "#steps", has_text="Approving with the operator's card, and choosing the card: The reader is empty."
    ).wait_for()
    assert page.evaluate("window.notLoadedAgain") is True
    card = office.blank()
    desk.approve(card, office.manager_card)
    page.get_by_text("The card is being made at the desk.").wait_for()
    desk.finish(card)
    page.get_by_text("The card is issued and works.").wait_for()
    visitor.require_sound()


KEEP_WHAT_WAITING_SAYS = """
document.getElementById("waiting-text").parentElement.remove();
new MutationObserver(() => {
  const said = document.getElementById("waiting-text")?.textContent;
  if (said && document.querySelector("progress")) sessionStorage.setItem("said", said);
}).observe(document.body, { childList: true, subtree: true });
"""


def test_a_bar_is_shown_while_an_answer_takes_long(
    context: BrowserContext, site: Site, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivering = site.services.stock.delivering
    apply = delivering.apply

    def slowly(actor: Actor, delivery_id: str) -> Delivery:
        time.sleep(2)
        return apply(actor, delivery_id)

    monkeypatch.setattr(delivering, "apply", slowly)
    visitor = Visitor(context, site, origin, "agent")
    page = visitor.open(f"/card-stock/deliveries/{site.previewed_delivery()}")
    said = "Taking 1 card into stock. This takes some seconds."
    # As if it were sent: nothing can be looked at while a page is being left.
    page.evaluate(
        "document.querySelector('form[data-waiting]').dispatchEvent(new Event('submit', {bubbles: true}))"
    )
    page.get_by_role("progressbar", name=said).wait_for()
    visitor.require_sound()
    page.evaluate(KEEP_WHAT_WAITING_SAYS)
    page.get_by_role("button", name="Take the cards into stock").click()
    page.get_by_text("1 card taken into stock.").first.wait_for()
    assert page.evaluate("sessionStorage.getItem('said')") == said
    assert page.get_by_role("progressbar").count() == 0


def test_pages_work_without_scripts(chromium: Chromium, site: Site, origin: str) -> None:
    context = chromium.new_context(java_script_enabled=False, ignore_https_errors=True)
    desk = site.office.begun(site.office.person(another(44)).uid)
    visitor = Visitor(context, site, origin, "manager")
    page = visitor.open(f"/issuances/{desk.id}")
    desk.jobs.fail(desk.job_token, desk.id, step="record_intention", reason="The reader is empty.")
    page.wait_for_selector("text=The reader is empty.")
    page = visitor.open("/people/register")
    page.set_input_files(
        "input[name=photo]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    )
    page.get_by_role("button", name="Continue").click()
    assert page.locator("img[alt='The photo chosen before']").count() == 1
    context.close()


def test_a_long_form_outlives_its_session(context: BrowserContext, site: Site, origin: str) -> None:
    visitor = Visitor(context, site, origin, "agent")
    visitor.page.clock.install()
    page = visitor.open("/people/register")
    page.get_by_label("Given name").fill("Zoë")
    page.clock.fast_forward("13:30")
    page.get_by_text("You will be signed out in 2 minutes").wait_for()
    visitor.require_sound()
    page.get_by_role("button", name="Stay signed in").click()
    page.locator("#session-note").wait_for(state="hidden")
    context.clear_cookies()
    page.clock.fast_forward("15:30")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Sign in again").wait_for()
    assert page.get_by_label("Given name").input_value() == "Zoë"
    Visitor(context, site, origin, "agent")
    page.clock.fast_forward(2_000)  # a second press within a second counts as a double click
    page.get_by_role("button", name="Continue").click()
    page.wait_for_selector(".nhsuk-error-summary")
    assert page.get_by_label("Given name").input_value() == "Zoë"
    assert "Your answers are kept" not in page.title()
