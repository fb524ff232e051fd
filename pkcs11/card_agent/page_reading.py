"""Reads the agent's pages the way a person and a browser do: what is seen, and what a form would send."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class PageRead:
    """A page: its forms by action with their ready-made fields, the card in each reader, and its words.

    ``problem`` is the text of the error summary, ``text`` that of the page's main part.
    """

    forms: dict[str, dict[str, str]] = field(default_factory=dict)
    readers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    problem: str = ""


def read_page(html: str) -> PageRead:
    """Return what is on the page."""
    parser = _PageParser()
    parser.feed(html)
    parser.page.text = " ".join(parser.page.text.split())
    parser.page.problem = " ".join(parser.page.problem.split()).removeprefix("There is a problem ")
    return parser.page


class _PageParser(HTMLParser):
    """Keeps the open elements' ids, so that text is known by where it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.page = PageRead()
        self._form: dict[str, str] = {}
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, their fields, and readers."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = self.page.forms.setdefault(given.get("action", ""), {})
        elif tag == "input":
            self._note_input(given)
        elif "data-reader" in given:
            self.page.readers[given["data-reader"]] = given.get("data-card", "")
        if tag not in _VOID:
            self._open.append(given.get("id", ""))

    def handle_endtag(self, tag: str) -> None:
        """Leave the element."""
        if tag not in _VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Note the words."""
        if "error-summary" in self._open:
            self.page.problem += f" {data}"
        elif "main" in self._open:
            self.page.text += f" {data}"

    def _note_input(self, given: dict[str, str]) -> None:
        if given.get("type") == "hidden" or "checked" in given:
            self._form[given["name"]] = given.get("value", "")
