"""A box of cards in a real browser: delivered by list, moved, issued from, counted with one missing, printed.

One story, told in order: each test goes on where the one before ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import Browser

from app.settings import load
from app.storage.database import Database
from tests.support.keyboard import Keyboard
from tests.support.running_service import Service
from tests.support.walking import PHOTO, READER_1, READER_2, Walker, clinician
from virtual_card import Desk

pytestmark = pytest.mark.timeout(900)

NEW_PIN = "59174028"
SAFE = "Safe in room 12"


@dataclass
class Story:
    """What later chapters need of earlier ones."""

    cards: list[str] = field(default_factory=list)
    uid: str = ""


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def walkers(browser: Browser, service: Service) -> Iterator[dict[str, Walker]]:
    """Each person's browser, kept from chapter to chapter."""
    contexts = {name: browser.new_context(ignore_https_errors=True) for name in ("agent", "manager")}
    for context in contexts.values():
        context.set_default_timeout(20_000)
    yield {name: Walker(context, service) for name, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.fixture
def agent(walkers: dict[str, Walker]) -> Walker:
    return walkers["agent"]


@pytest.fixture
def manager(walkers: dict[str, Walker]) -> Walker:
    return walkers["manager"]


def test_1_a_delivery_with_two_bad_rows_is_taken_in(agent: Walker, story: Story, service: Service) -> None:
    agent.sign_in_as(service.people()["RA agent"])
    agent.does_not_see("missing from stock")
    agent.press("Card stock")
    agent.sees("Card desk")
    agent.require_accessible()
    agent.press("Add a store or a desk")
    agent.require_accessible()
    agent.fill({"name": SAFE, "low_at": "1"})
    agent.page.get_by_label("Store", exact=True).check()
    agent.press("Add the place")
    agent.sees(f"{SAFE} is a place for cards now.")
    agent.require_accessible()
    desk = Desk(service.folder / "desk")
    cards = [desk.new_blank_card() for _ in range(3)]
    story.cards = [card.serial for card in cards]
    rows = [f"{card.serial},softhsm,{card.back_number}" for card in cards]
    rows += [rows[0], "no serial number!,softhsm,"]
    agent.open("/card-stock/deliveries")
    agent.require_accessible()
    content = "\n".join(["serial,card_profile,back_number", *rows]).encode()
    agent.page.set_input_files(
        "input[name=file]", {"name": "box.csv", "mimeType": "text/csv", "buffer": content}
    )
    agent.fill({"supplier": "Idemia"})
    agent.page.locator("select[name=place]").select_option(label=SAFE)
    agent.press("Look at the list")
    agent.sees("3 cards would be taken into stock, 2 lines would not.")
    agent.sees(f"Card {story.cards[0]} is in this list already.")
    agent.sees("The serial number must be 1 to 40 letters, digits or hyphens.")
    agent.require_accessible()
    agent.press("Take the cards into stock")
    agent.sees("3 cards taken into stock. 2 lines refused.")
    agent.require_accessible()


def test_2_one_is_moved_to_the_desk_with_the_keyboard_alone(agent: Walker, story: Story) -> None:
    agent.open("/card-stock/move")
    agent.require_accessible()
    keyboard = Keyboard(agent.page)
    keyboard.press("main form button")
    assert keyboard.has_focus(".nhsuk-error-summary")
    agent.open("/card-stock/move")
    desk = agent.page.locator("select[name=place] option", has_text="Card desk").get_attribute("value")
    keyboard.fill({"serials": story.cards[0], "place": desk or "", "note": "Carried to the desk"})
    keyboard.press("main form button")
    agent.sees("1 card moved.")
    agent.sees("Moved: Carried to the desk")
    agent.require_accessible()


def test_3_it_is_issued_from_the_desk(agent: Walker, story: Story, service: Service) -> None:
    agent.open("/people/register")
    agent.fill(clinician("Zoë", "Łukasiewicz", "551830274"))
    agent.page.set_input_files("input[name=photo]", PHOTO)
    agent.page.get_by_label("I have checked the originals").check()
    agent.press("Continue")
    agent.press("Register this person")
    agent.sees("Zoë Łukasiewicz")
    story.uid = agent.page.url.rpartition("/")[2]
    priya = service.people()["RA agent"]
    agent.clear_desk()
    agent.put_card(READER_1, priya.card_serial)
    agent.put_card(READER_2, story.cards[0])
    agent.open(f"/people/{story.uid}")
    agent.press("Issue a card")
    agent.page.get_by_label(re.compile("Your PIN")).fill(priya.pin)
    agent.page.get_by_label("New PIN", exact=True).fill(NEW_PIN)
    agent.page.get_by_label("New PIN again").fill(NEW_PIN)
    agent.press("Issue the card")
    agent.page.locator("#back-to-site.button").wait_for()
    agent.open(f"/card-stock/cards/{story.cards[0]}")
    agent.sees("In the hands of their holders")
    agent.sees("Carried to the desk")
    agent.require_accessible()


def test_4_its_face_is_printed_and_again_with_a_reason(agent: Walker, story: Story, tmp_path: Path) -> None:
    agent.open(f"/people/{story.uid}")
    agent.press(re.compile("Print this card"))
    agent.sees("This card has not been printed yet.")
    agent.page.wait_for_load_state("networkidle")
    agent.require_accessible()
    read = _printed(agent, "Print the card", tmp_path / "first.pdf")
    assert "Łukasiewicz" in read.pages[0].extract_text()
    assert len(read.pages[0].images) == 1
    agent.open(f"/people/{story.uid}/cards/{story.cards[0]}/print")
    agent.sees("First print")
    agent.press("Print again")
    agent.sees("This card was printed before. Choose why it is printed again.")
    agent.require_accessible()
    agent.page.get_by_label("The printer failed").check()
    agent.fill({"note": "Ribbon was empty"})
    _printed(agent, "Print again", tmp_path / "again.pdf")
    agent.open(f"/people/{story.uid}/cards/{story.cards[0]}/print")
    agent.sees("Ribbon was empty")


def test_5_a_count_finds_one_missing(agent: Walker, story: Story) -> None:
    agent.open("/card-stock/stock-takes")
    agent.require_accessible()
    agent.page.locator("select[name=place]").select_option(label=SAFE)
    agent.press("Begin to count")
    agent.require_accessible()
    agent.fill({"serials": f"{story.cards[1]}\n"})
    agent.press("Count these cards")
    agent.sees("1 card counted so far.")
    agent.require_accessible()
    agent.press("Close the count")
    agent.sees("1 of 2 expected counted; 1 finding.")
    agent.require_accessible()
    agent.press(f"Card {story.cards[2]}")
    agent.sees("A second person who may confirm")
    agent.require_accessible()


def test_6_the_manager_sees_the_alarm_and_settles_it(manager: Walker, story: Story, service: Service) -> None:
    assert service.spine_ra("stock", "report").returncode == 1
    manager.sign_in_as(service.people()["RA manager"])
    manager.sees("1 card is missing from stock.")
    manager.require_accessible()
    manager.open("/operations")
    manager.sees("1 card is missing from stock.")
    manager.open("/card-stock")
    manager.require_accessible()
    manager.press(f"Card {story.cards[2]}")
    manager.require_accessible()
    manager.page.get_by_label("Write it off").check()
    manager.fill({"note": "Looked for it together"})
    manager.press("Confirm the decision")
    manager.sees("The finding is settled.")
    manager.does_not_see("missing from stock.")
    manager.sees(f"{SAFE} runs low: 1 blank card left.")


def test_7_the_books_are_right_and_the_audit_holds(service: Service) -> None:
    told = service.spine_ra("stock", "report")
    assert (told.returncode, "The books are right" in told.stdout) == (0, True), told.stdout
    with Database(load(service.settings).database.url).read() as work:
        events = {each.event.event for each in work.audit.newest(None, 400)}
    assert events >= {"stock_delivery.applied", "stock.moved", "card.printed", "card.reprinted"}
    assert events >= {"stock_take.closed", "stock_finding.settled"}


def _printed(walker: Walker, button: str, file: Path) -> pypdf.PdfReader:
    with walker.page.expect_download() as download:
        walker.page.get_by_role("button", name=button).click()
    download.value.save_as(file)
    return pypdf.PdfReader(file)
