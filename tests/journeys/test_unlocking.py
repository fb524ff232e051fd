"""A card is locked by three wrong PINs, and unlocked in each of the ways there are. In a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.running_service import Holder, Service
from tests.support.walking import READER_1, READER_2, Walker

WRONG = "48301957"


@pytest.fixture
def walker(new_person: BrowserContext, service: Service) -> Iterator[Walker]:
    return Walker(new_person, service)


@pytest.fixture
def holder(service: Service) -> Holder:
    return service.people()["sponsor"]


def lock(walker: Walker, holder: Holder) -> None:
    """Three wrong PINs at the sign-in; to the third one somebody agrees."""
    walker.go_to_pin_page(holder.card_serial)
    while walker.page.get_by_label("PIN", exact=True).count():
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
    walker.require_accessible()
    walker.page.get_by_label(re.compile("Your PIN")).fill(priya.pin)
    choose_pin(walker, "60281947")
    walker.press(re.compile("Back to"))
    walker.sees("The card is unlocked.")
    walker.require_accessible()
    walker.open("/my")
    walker.does_not_see("Unlock this card")
    require_signs_in(walker, holder, "60281947")
    assert READER_1
