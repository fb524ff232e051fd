"""A card is locked by three wrong PINs, and unlocked in each of the ways there are. In a real browser."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.keyboard import Keyboard
from tests.support.killing import Processes
from tests.support.office import Office
from tests.support.running_service import CARD_KINDS, Holder, Service, wait_until
from tests.support.walking import READER_1, READER_2, Walker, grouped, screenshot

WRONG = "48301957"
# Where to leave pictures of pages, for whoever wants to look at them.
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.fixture(scope="module", params=CARD_KINDS)
def card_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def walker(new_person: BrowserContext, service: Service) -> Iterator[Walker]:
    return Walker(new_person, service)


@pytest.fixture
def holder(service: Service) -> Holder:
    return service.people()["sponsor"]


def lock(walker: Walker, holder: Holder) -> None:
    """Three wrong PINs at the sign-in; to the third one somebody agrees."""
    walker.go_to_pin_page(holder.card_serial)
    for _ in range(2):
        walker.enter_pin(WRONG)
    walker.use_last_try(WRONG, walker.service.people()["RA manager"].uid)
    walker.sees("This card is locked")


def choose_pin(walker: Walker, new_pin: str, button: str = "Unlock the card") -> None:
    """At the desk: the holder's new PIN, to the end of the run."""
    walker.page.get_by_label("New PIN", exact=True).fill(new_pin)
    walker.page.get_by_label("New PIN again").fill(new_pin)
    walker.require_accessible()
    walker.press(button)
    expect(walker.page.get_by_role("heading", level=1)).to_have_text("The card is unlocked", timeout=30_000)
    walker.require_accessible()


def require_signs_in(walker: Walker, holder: Holder, pin: str) -> None:
    walker.sign_in(holder.card_serial, pin)
    walker.sees(holder.name)


def looks_right(walker: Walker, name: str) -> None:
    """No violation, nothing that scrolls sideways; a picture for whoever wants to look."""
    walker.require_accessible()
    walker.require_fits()
    if SCREENSHOTS:
        screenshot(walker, Path(SCREENSHOTS), name)


def test_1_an_agent_unlocks_it_with_the_holder(walker: Walker, service: Service, holder: Holder) -> None:
    priya = service.people()["RA agent"]
    lock(walker, holder)
    walker.sign_in_as(priya)
    walker.put_card(READER_2, holder.card_serial)
    walker.open(f"/people/{holder.uid}")
    walker.press("Unlock this card")
    walker.require_accessible()
    walker.press("Go on to unlock this card")
    walker.require_accessible()
    walker.press("Open the card desk")
    expect(walker.page.get_by_role("heading", level=1)).to_contain_text("Unlock the card of")
    walker.page.get_by_label(re.compile("Your PIN")).fill(WRONG)
    walker.page.get_by_label("New PIN", exact=True).fill("60281947")
    walker.page.get_by_label("New PIN again").fill("60281947")
    walker.press("Unlock the card")
    walker.sees("Wrong PIN. You have 2 tries left.")
    walker.sees("You need not type it again.")
    walker.require_accessible()
    walker.page.get_by_label(re.compile("Your PIN")).fill(priya.pin)
    walker.press("Unlock the card")
    expect(walker.page.get_by_role("heading", level=1)).to_have_text("The card is unlocked", timeout=30_000)
    walker.press(re.compile("Back to"))
    walker.sees("The card is unlocked.")
    walker.require_accessible()
    walker.open("/my")
    walker.does_not_see("Unlock this card")
    require_signs_in(walker, holder, "60281947")


def newest_code(service: Service) -> str:
    """The code in the last message that the spool took."""
    folder = service.folder / "messages"
    wait_until(lambda: list(folder.glob("*.txt")), "a message in the spool")
    newest = max(folder.glob("*.txt"), key=lambda path: path.name)
    found = re.search(r"(\d{4}) (\d{4}) is your code", newest.read_text())
    assert found
    newest.unlink()
    return found[1] + found[2]


def ask(walker: Walker, holder: Holder, way: str) -> None:
    """From the sign-in page to the page that asks for the code."""
    walker.open("/sign-in?again=yes")
    walker.press("My card is locked, or I forgot my PIN")
    walker.require_accessible()
    walker.page.get_by_label("Your user id (UUID)").fill(grouped(holder.uid))
    walker.page.get_by_label(way).check()
    walker.press("Go on")
    walker.require_accessible()


def test_2_the_holder_unlocks_it_alone_with_a_code(walker: Walker, service: Service, holder: Holder) -> None:
    lock(walker, holder)
    ask(walker, holder, "Send a code by e-mail")
    walker.sees("a code of eight digits is on its way")
    code = newest_code(service)
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    walker.page.get_by_label("Code").fill(wrong)
    walker.press("Go on")
    walker.sees("The code was not accepted")
    walker.require_accessible()
    walker.page.get_by_label("Code").fill(f"{code[:4]} {code[4:]}")
    walker.press("Go on")
    expect(walker.page.get_by_role("heading", level=1)).to_contain_text("Unlock the card of")
    choose_pin(walker, "60281948")
    walker.press(re.compile("Back to"))
    walker.sees("Use my card")
    require_signs_in(walker, holder, "60281948")


def test_2b_somebody_unknown_sees_the_same(walker: Walker, service: Service) -> None:
    walker.open("/unlock")
    walker.page.get_by_label("Your user id (UUID)").fill("123456789012")
    walker.page.get_by_label("Send a code by e-mail").check()
    walker.press("Go on")
    walker.sees("a code of eight digits is on its way")
    walker.page.get_by_label("Code").fill("12345678")
    walker.press("Go on")
    walker.sees("The code was not accepted")


def test_2c_the_holder_unlocks_it_with_an_authenticator_app(
    walker: Walker, service: Service, holder: Holder
) -> None:
    require_signs_in(walker, holder, "60281948")
    walker.open("/my/authenticator")
    walker.press("Set up an app")
    walker.require_accessible()
    assert walker.page.locator("img[src$='qr.svg']").evaluate("each => each.naturalWidth") > 0
    secret = (walker.page.locator("code").text_content() or "").replace(" ", "")
    app = pyotp.TOTP(secret)
    walker.page.get_by_label("Code").fill(app.now())
    walker.press("Finish")
    walker.sees("The authenticator app is set up")
    walker.require_accessible()
    lock(walker, holder)
    ask(walker, holder, "Use the code of my authenticator app")
    code = app.at(time.time() + 30)
    walker.page.get_by_label("Code").fill(code)
    walker.press("Go on")
    choose_pin(walker, "60281949")
    ask(walker, holder, "Use the code of my authenticator app")
    walker.page.get_by_label("Code").fill(code)
    walker.press("Go on")
    walker.sees("The code was not accepted")
    require_signs_in(walker, holder, "60281949")


def test_3_two_colleagues_vouch(walker: Walker, service: Service, holder: Holder) -> None:
    people = service.people()
    first, second = people["RA agent"], people["RA manager"]
    lock(walker, holder)
    walker.sign_in_as(first)
    walker.put_card(READER_2, holder.card_serial)
    walker.open("/my/vouch")
    walker.require_accessible()
    walker.page.get_by_label(re.compile("Your colleague")).fill(holder.uid)
    walker.press("Vouch for this colleague")
    expect(walker.page.get_by_role("heading", level=1)).to_contain_text("Unlock the card of")
    walker.page.get_by_label(re.compile("Your PIN")).fill(first.pin)
    walker.require_accessible()
    walker.press("Vouch for")
    walker.sees("another colleague who vouches")
    job = walker.page.url
    walker.put_card(READER_1, second.card_serial)
    walker.page.goto(job)
    walker.page.get_by_label(re.compile("Your PIN")).fill(second.pin)
    choose_pin(walker, "60281950")
    require_signs_in(walker, holder, "60281950")


def test_4_a_ward_without_network_unlocks_it_by_telephone(
    walker: Walker, service: Service, holder: Holder
) -> None:
    priya = service.people()["RA agent"]
    lock(walker, holder)
    walker.sign_in_as(priya)
    walker.open("/offline-workstations")
    walker.require_accessible()
    walker.page.get_by_label("Where it stands").fill("Ward 7")
    walker.press("Register this computer")
    expect(walker.page.get_by_role("heading", level=1)).to_have_text("This computer is registered")
    walker.put_card(READER_2, holder.card_serial)
    walker.page.goto(f"{service.agent}/offline")
    walker.require_accessible()
    walker.press(re.compile(f"Unlock the card of {holder.name}"))
    walker.require_accessible()
    challenge = walker.page.locator("#challenge").text_content() or ""
    ward = walker.page.url
    walker.open(f"/people/{holder.uid}/cards/{holder.card_serial}/unlock")
    walker.press("The holder is on a ward without network, on the telephone")
    walker.page.get_by_label("I called back").check()
    walker.page.get_by_label("Challenge").fill(challenge.lower())
    walker.require_accessible()
    walker.press("Go on")
    walker.press("Open the card desk")
    walker.page.get_by_label(re.compile("Your PIN")).fill(priya.pin)
    walker.require_accessible()
    walker.press("Get the response")
    expect(walker.page.get_by_role("heading", level=1)).to_have_text("The response", timeout=30_000)
    response = walker.page.locator("#result").text_content() or ""
    walker.page.goto(ward)
    walker.page.get_by_label(re.compile("Response")).fill(response)
    walker.page.get_by_label("New PIN", exact=True).fill("60281951")
    walker.page.get_by_label("New PIN again").fill("60281951")
    walker.press("Unlock the card")
    expect(walker.page.get_by_role("heading", level=1)).to_have_text("The card is unlocked")
    walker.require_accessible()


def test_4b_at_the_next_sign_in_the_card_gets_another_so_pin(
    walker: Walker, service: Service, holder: Holder
) -> None:
    walker.go_to_pin_page(holder.card_serial)
    walker.enter_pin("60281951")
    expect(walker.page.get_by_role("heading", level=1)).to_have_text("Change what unlocks your card")
    looks_right(walker, "change-offer")
    walker.press("Later")
    walker.sees("Change what unlocks your card")
    looks_right(walker, "change-on-start-page")
    walker.press("Change it now")
    expect(walker.page.get_by_role("heading", level=1)).to_contain_text("Change what unlocks the card of")
    looks_right(walker, "change-form")
    keyboard = Keyboard(walker.page)
    keyboard.fill({"holder_pin": WRONG})
    keyboard.press("form button")
    walker.sees("Wrong PIN. You have 2 tries left.")
    keyboard.fill({"holder_pin": "60281951"})
    keyboard.press("form button")
    expect(walker.page.get_by_role("heading", level=1)).to_have_text("This is finished", timeout=30_000)
    expect(walker.page.locator("tr[data-state=done]")).to_have_count(4)
    looks_right(walker, "change-done")
    walker.press(re.compile("Back to"))
    walker.sees("The card has another SO PIN")
    walker.open("/my")
    walker.does_not_see("Change what unlocks your card")
    require_signs_in(walker, holder, "60281951")


@pytest.fixture
def office(service: Service) -> Iterator[Office]:
    office = Office(service, Processes(service).layout)
    yield office
    office.database.close()


def test_5_two_managers_export_its_so_pin_by_keyboard_alone(
    walker: Walker, service: Service, holder: Holder, office: Office
) -> None:
    priya, margaret = office.priya, service.people()["RA manager"]
    office.make_manager(priya, margaret, holder)
    walker.sign_in_as(margaret)
    walker.put_card(READER_2, priya.card_serial)
    walker.open(f"/people/{holder.uid}")
    keyboard = Keyboard(walker.page)
    keyboard.press("a[href$='/export-so-pin']")
    looks_right(walker, "export-why")
    keyboard.fill({"reason": "The maker's tool must read why it answers no more"})
    keyboard.press("form[action$='export-so-pin'] button")
    looks_right(walker, "export-job")
    walker.press("Open the card desk")
    for signer, is_first in ((margaret, True), (priya, False)):
        walker.sees("The first RA manager signs" if is_first else "The second RA manager signs")
        looks_right(walker, f"export-signs-{signer.uid}")
        if is_first:
            keyboard.fill({"signer_pin": "123"})
            keyboard.press("form button")
            assert keyboard.has_focus("#error-summary")
            looks_right(walker, "export-signs-problem")
        keyboard.fill({"signer_pin": signer.pin})
        keyboard.press("form button")
    expect(walker.page.get_by_role("heading", level=1)).to_have_text(
        f"The SO PIN of the card of {holder.name}"
    )
    shown = walker.page.locator("#shown-once-1").text_content() or ""
    assert re.fullmatch(r"([0-9A-Za-z]{4} ){3,7}[0-9A-Za-z]{4}", shown)
    looks_right(walker, "export-shown")
    walker.page.reload()
    walker.sees("It is not shown again")
    walker.does_not_see(shown)
    looks_right(walker, "export-shown-before")
    _give_another(walker, keyboard, holder, shown)
    require_signs_in(walker, holder, "60281951")


def _give_another(walker: Walker, keyboard: Keyboard, holder: Holder, shown: str) -> None:
    """The card is back and gets another SO PIN."""
    back = walker.page.url
    walker.put_card(READER_2, holder.card_serial)
    walker.page.goto(back)
    keyboard.press("form[action$='/go-on'] button")
    looks_right(walker, "export-card-is-back")
    keyboard.press("button[value='change']")
    walker.sees("Enter the SO PIN that the card has now.")
    looks_right(walker, "export-card-is-back-problem")
    keyboard.fill({"so_pin": shown})
    keyboard.press("button[value='change']")
    walker.sees("This export is over, and the site knows how it ended.")
    looks_right(walker, "export-over")
    walker.press(re.compile("Back to"))
    walker.sees("This export is over.")
    looks_right(walker, "export-over-job")
