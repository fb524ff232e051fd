"""A person in front of a browser, with a card: what the journeys are told in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as BrowserTimeout

from tests.support.running_service import ROOT, Holder, Service

PHOTO = ROOT / "config" / "founding" / "example-clinician.jpg"
READER_1, READER_2 = "left", "right"


class Walker:
    """One person's browser. Every page that she comes to is looked at by axe."""

    def __init__(self, context: BrowserContext, service: Service) -> None:
        self.page: Page = context.new_page()
        self.service = service

    def require_accessible(self) -> None:
        found = Axe().run(self.page).response["violations"]
        assert not found, [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]

    def require_fits(self) -> None:
        """Nothing scrolls sideways on a small screen (WCAG 2.2, 1.4.10) or a large one."""
        for width in (320, 1280):
            self.page.set_viewport_size({"width": width, "height": 1000})
            self.page.wait_for_function(f"window.innerWidth === {width}")
            self.page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press a button or what looks like one, and look at the page that comes."""
        button = self.page.get_by_role("button", name=name)
        (button if button.count() else self.page.get_by_role("link", name=name)).first.click()
        self.page.wait_for_load_state()

    def reaches(self, origin: str) -> None:
        """Wait until she is at a page of this site; fails with where she is instead."""
        try:
            self.page.wait_for_url(re.compile(re.escape(origin)))
        except BrowserTimeout as late:
            told = self.page.inner_text("body")[:1500]
            raise AssertionError(f"she is at {self.page.url}, which says: {told}") from late

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("body")).to_contain_text(text)

    def does_not_see(self, text: str) -> None:
        expect(self.page.locator("body")).not_to_contain_text(text)

    def fill(self, answers: Mapping[str, str]) -> None:
        """Fill in fields by their names; a list's choice by its value."""
        for name, answer in answers.items():
            field = self.page.locator(f'[name="{name}"]')
            if field.evaluate("each => each.tagName") == "SELECT":
                field.select_option(answer)
            else:
                field.fill(answer)

    def put_card(self, reader: str, serial: str) -> None:
        """At the desk: take out what lies in the reader and insert this card."""
        self._at_desk(reader)
        self.page.locator(f"#serial-{reader}").select_option(serial)
        self.page.locator(f'[data-reader="{reader}"]').get_by_role("button", name="Insert").click()
        expect(self.page.locator(f'[data-reader="{reader}"]')).to_have_attribute("data-card", serial)

    def take_blank_card(self, reader: str) -> str:
        """At the desk: a new card into the reader. Returns its serial."""
        self._at_desk(reader)
        place = self.page.locator(f'[data-reader="{reader}"]')
        place.get_by_role("button", name="Take a new blank card").click()
        expect(place).to_have_attribute("data-card", re.compile(r"."))
        return place.get_attribute("data-card") or ""

    def clear_desk(self) -> None:
        self._at_desk(READER_1)
        self._at_desk(READER_2)

    def _at_desk(self, reader: str) -> None:
        self.page.goto(self.service.agent)
        place = self.page.locator(f'[data-reader="{reader}"]')
        if place.get_attribute("data-card"):
            place.get_by_role("button", name="Remove").click()
            expect(place).to_have_attribute("data-card", "")

    def go_to_pin_page(self, card_serial: str) -> None:
        """Insert the card, go to the sign-in page and on to the card agent's PIN page."""
        self.clear_desk()
        self.put_card(READER_1, card_serial)
        self.page.goto(f"{self.service.web}/sign-in?again=yes")
        self.press("Use my card")

    def enter_pin(self, pin: str) -> None:
        self.page.get_by_label("PIN", exact=True).fill(pin)
        self.press("Sign in")

    def use_last_try(self, pin: str, second_uid: str) -> None:
        """On the PIN page of a card with one try left: use it, with somebody who says that they agree."""
        self.press(re.compile("Use the last try"))
        self.page.get_by_label(re.compile("PIN of the card")).fill(pin)
        self.page.get_by_label(re.compile("User id")).fill(second_uid)
        self.page.get_by_label(re.compile("I am the second person")).check()
        self.press("Use the last try")

    def sign_in(self, card_serial: str, pin: str) -> None:
        """Sign in, accept the terms when asked, and end on the start page."""
        self.go_to_pin_page(card_serial)
        self.enter_pin(pin)
        self.page.wait_for_url(re.compile(rf"{re.escape(self.service.web)}/(sign-in/terms|sign-in/role)?$"))
        if self.page.url.endswith("/sign-in/terms"):
            self.require_accessible()
            self.page.get_by_label("I have read the terms").check()
            self.press("Go on")

    def sign_in_as(self, holder: Holder) -> None:
        self.sign_in(holder.card_serial, holder.pin)
        self.sees(holder.name)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.service.web}{path}")


def clinician(given_name: str, family_name: str, passport: str) -> dict[str, str]:
    """The answers of the registration form for somebody who does not exist."""
    return {
        "title": "Dr",
        "given_name": given_name,
        "family_name": family_name,
        **_day("date_of_birth", date(1988, 5, 17)),
        "email": f"{given_name}.{family_name}@example.nhs.uk".lower(),
        "mobile": "07700 900321",
        "registrations.0.body": "GMC",
        "registrations.0": passport[:7],
        "evidence.0.kind": "uk_passport",
        "evidence.0.number": passport,
        **_day("evidence.0.expires_on", date(2034, 1, 31)),
        "evidence.1.kind": "council_tax_bill",
        "evidence.1.number": f"7{passport[:7]}",
        **_day("evidence.1.issued_on", date.today().replace(day=1)),  # noqa: DTZ011 - the day at the desk
        "evidence.2.kind": "national_insurance_letter",
        "evidence.2.number": f"JW {passport[:2]} {passport[2:4]} {passport[4:6]} C",
    }


def _day(field: str, day: date) -> dict[str, str]:
    return {f"{field}-day": str(day.day), f"{field}-month": str(day.month), f"{field}-year": str(day.year)}


def grouped(uid: str) -> str:
    """A user id as pages show it: 6560 0575 0104."""
    return f"{uid[:4]} {uid[4:8]} {uid[8:]}"


def screenshot(walker: Walker, folder: Path, name: str) -> None:
    """Keep a picture of the page, to be looked at."""
    walker.page.screenshot(path=folder / f"{name}.png", full_page=True)
