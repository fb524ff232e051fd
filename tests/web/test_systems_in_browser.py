"""Registering a system in a real browser, with the keyboard, by two people; no accessibility violation."""

from __future__ import annotations

from playwright.sync_api import BrowserContext

from tests.support.registration_authority import PRACTICE
from tests.support.systems import CANCEL, PRESCRIBE, registered_system
from tests.support.web import Site
from tests.web.test_in_browser import Visitor, chromium, context, origin, pytestmark

__all__ = ["chromium", "context", "origin", "pytestmark"]


def test_a_system_is_registered_by_two_people(context: BrowserContext, site: Site, origin: str) -> None:
    sponsor = Visitor(context, site, origin, "sponsor")
    page = sponsor.open("/systems")
    sponsor.require_sound()
    page.get_by_role("button", name="Ask for a new system").press("Enter")
    page.get_by_role("button", name="Send the request").press("Enter")
    page.wait_for_selector(".nhsuk-error-summary")
    sponsor.require_sound()
    page.get_by_role("link", name="Enter the organisation's ODS code.").press("Enter")
    page.keyboard.type(PRACTICE)
    page.get_by_label("Product").fill("Example GP record")
    page.get_by_label("Version").fill("1.0")
    page.get_by_label("What the system is for").fill("Prescribing")
    page.get_by_label("Interactions", exact=True).fill(f"{PRESCRIBE}\n{CANCEL}")
    page.get_by_label("People and their roles").check()
    page.get_by_label("Interaction", exact=True).fill(CANCEL)
    page.get_by_label("Type").select_option("HL7")
    page.get_by_label("Address").fill("https://localhost.localdomain/hl7")
    page.get_by_label("Why this is needed").fill("New practice system")
    page.get_by_role("button", name="Send the request").press("Enter")
    page.get_by_text("Host names to be checked").wait_for()
    sponsor.require_sound()
    sponsor.require_fit()
    request = page.url.removeprefix(origin)
    context.clear_cookies()
    manager = Visitor(context, site, origin, "manager")
    page = manager.open(request)
    page.get_by_role("button", name="The host names are in order").press("Enter")
    page.get_by_label("Approve").check()
    manager.require_sound()
    page.get_by_role("button", name="Confirm the decision").press("Enter")
    page.get_by_role("link", name="To the system").press("Enter")
    page.get_by_text("people and their roles").wait_for()
    manager.require_sound()
    manager.require_fit()


def test_every_page_of_systems_is_accessible_also_on_a_small_screen(
    context: BrowserContext, site: Site, origin: str
) -> None:
    asid = registered_system(site)
    visitor = Visitor(context, site, origin, "manager")
    for width in (1280, 320):
        visitor.page.set_viewport_size({"width": width, "height": 800})
        for address in (
            "/systems?q=example",
            f"/systems/{asid}",
            f"/systems/{asid}/change",
            f"/systems/{asid}/suspend",
            "/systems/requests",
            "/systems/lists/new",
        ):
            visitor.open(address)
            visitor.require_sound()
            visitor.require_fit()


def test_a_list_is_chosen_looked_at_and_asked_for(context: BrowserContext, site: Site, origin: str) -> None:
    heading = "organisation,product,version,description,interactions"
    good, wrong = f"{PRACTICE},Listed,1,For it,{PRESCRIBE}", f"{PRACTICE},Wrong,,For it,{PRESCRIBE}"
    visitor = Visitor(context, site, origin, "sponsor")
    page = visitor.open("/systems/lists/new")
    file = {
        "name": "systems.csv",
        "mimeType": "text/csv",
        "buffer": "\n".join((heading, good, wrong)).encode(),
    }
    page.set_input_files("input[name=file]", file)
    page.get_by_role("button", name="Look at the list").click()
    page.get_by_text("1 system can be asked for; 1 system cannot").wait_for()
    visitor.require_sound()
    page.get_by_label("Why these systems are needed").fill("Roll-out")
    page.get_by_role("button", name="Ask for the systems that can be").click()
    page.get_by_role("link", name="see them").wait_for()
    visitor.require_sound()
    page.get_by_role("link", name="see them").click()
    page.get_by_role("heading", name="A list of systems").wait_for()
    visitor.require_sound()
