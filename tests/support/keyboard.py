"""Somebody who uses the keyboard alone: everything is reached by the Tab key, in the order of the page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Page

_MOST_TABS = 150


class Keyboard:
    """The keyboard in front of one page."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def has_focus(self, selector: str) -> bool:
        return bool(self._page.evaluate("each => document.activeElement.matches(each)", selector))

    def reach(self, selector: str) -> None:
        """Press Tab until the element has the focus."""
        for _ in range(_MOST_TABS):
            if self.has_focus(selector):
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key never comes to {selector} on {self._page.url}")

    def press(self, selector: str) -> None:
        """Reach a button or a link, press Enter and wait for the page that comes."""
        self.reach(selector)
        with self._page.expect_navigation():
            self._page.keyboard.press("Enter")

    def tick(self, selector: str) -> None:
        self.reach(selector)
        self._page.keyboard.press("Space")

    def choose_file(self, button: str, field: str, file: Path) -> None:
        """Reach the button that opens the file dialogue. The dialogue itself belongs to the computer."""
        self.reach(button)
        self._page.set_input_files(field, file)

    def fill(self, answers: Mapping[str, str]) -> None:
        """Type into fields by their names, which must be in the page's order."""
        for name, answer in answers.items():
            field = f'[name="{name}"]'
            self.reach(field)
            self._type(field, answer)

    def _type(self, field: str, answer: str) -> None:
        if not self.has_focus("select"):
            self._page.keyboard.type(answer)
            return
        for _ in range(self._page.locator(f"{field} option").count()):
            if self._page.locator(field).input_value() == answer:
                return
            self._page.keyboard.press("ArrowDown")
        assert self._page.locator(field).input_value() == answer, f"{field} has no {answer}"
