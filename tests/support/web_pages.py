"""Looks at a page as a careful reader would: well-formed, titled, safe, and usable without a script."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
_POLICY_MUST_HAVE = ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'")


@dataclass
class Form:
    """A form of the page: where it goes, how, and its fields."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """One page taken apart. ``faults`` says everything that is wrong with it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.headings: list[str] = []
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.errors: list[str] = []
        self.text = ""
        self.faults: list[str] = []
        self._open: list[str] = []
        self._ids: set[str] = set()
        self._needs_ids: list[tuple[str, str]] = []
        self._in_error_summary = 0
        if not html.lstrip().startswith("<!DOCTYPE html>"):
            self.faults.append("does not begin with <!DOCTYPE html>")
        self.feed(html)
        self.close()
        self._finish()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._look_for_script(tag, given)
        self._look_at_ids(tag, given)
        self._look_at_forms(tag, given)
        if tag == "html" and not given.get("lang"):
            self.faults.append("<html> has no lang")
        if tag == "img" and "alt" not in given:
            self.faults.append(f"image without alt: {given.get('src', '')[:60]}")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "h1":
            self.headings.append("")
        if tag == "table":
            self._needs_caption = True
        if tag == "caption":
            self._needs_caption = False
        if tag not in _VOID:
            self._open.append(tag)

    _needs_caption = False
    _filling = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1:] or 'nothing'}")
            return
        self._open.pop()
        if tag == "table" and self._needs_caption:
            self.faults.append("table without caption")

    def handle_data(self, data: str) -> None:
        self.text += data
        if "title" in self._open and "svg" not in self._open:
            self.title += data
        if "h1" in self._open and self.headings:
            self.headings[-1] += data
        if self._open[-1:] == ["textarea"]:
            self.forms[-1].fields[self._filling] += data
        if "script" in self._open and data.strip():
            self.faults.append(f"inline script: {data.strip()[:60]}")

    def _look_for_script(self, tag: str, given: dict[str, str]) -> None:
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.faults.append(f"script that is not ours: {given}")
        if tag == "style" or "style" in given:
            self.faults.append(f"inline style on <{tag}>")
        for name, value in given.items():
            if name.startswith("on") or value.strip().lower().startswith("javascript:"):
                self.faults.append(f"inline script in {name} of <{tag}>")

    def _look_at_ids(self, tag: str, given: dict[str, str]) -> None:
        name = given.get("id")
        if name in self._ids:
            self.faults.append(f"id {name} stands twice")
        if name:
            self._ids.add(name)
        if tag == "label" and "for" in given:
            self._needs_ids.append((f"label for {given['for']}", given["for"]))
        for described in given.get("aria-describedby", "").split():
            self._needs_ids.append((f"aria-describedby {described}", described))
        if tag == "a" and given.get("href", "").startswith("#"):
            self._needs_ids.append((f"link to {given['href']}", given["href"][1:]))

    def _look_at_forms(self, tag: str, given: dict[str, str]) -> None:
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif "form" in self._open:
            self._fill_in(tag, given)

    def _fill_in(self, tag: str, given: dict[str, str]) -> None:
        """What a browser would send of this field if nobody touched it (no button was pressed)."""
        fields, name = self.forms[-1].fields, given.get("name", "")
        is_unticked = given.get("type") in {"checkbox", "radio"} and "checked" not in given
        if tag == "input" and name and not is_unticked and given.get("type") != "file":
            fields[name] = given.get("value", "")
        elif tag in {"select", "textarea"}:
            self._filling = name
            fields[name] = ""
        elif tag == "option" and "selected" in given:
            fields[self._filling] = given.get("value", "")

    def _finish(self) -> None:
        if self._open:
            self.faults.append(f"never closed: {self._open}")
        self.faults += [
            f"{what}: there is no such id" for what, name in self._needs_ids if name not in self._ids
        ]
        self.faults += [f"form to {form.action!r}" for form in self.forms if not form.action.startswith("/")]
        self.faults += [
            f"POST form to {form.action} without CSRF value"
            for form in self.forms
            if form.method == "post" and not form.fields.get("csrf_value")
        ]
        if len(self.headings) != 1:
            self.faults.append(f"{len(self.headings)} h1 headings")
        elif _spaced(self.headings[0]) not in _spaced(self.title):
            self.faults.append(f"title {self.title!r} does not carry the heading {self.headings[0]!r}")

    @property
    def heading(self) -> str:
        """The page's heading, with single spaces."""
        return _spaced(self.headings[0])

    def form_to(self, action: str) -> Form:
        """The form that goes to this address."""
        return next(form for form in self.forms if form.action == action)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def header_faults(headers: dict[str, str]) -> list[str]:
    """What is missing in the headers of a page."""
    policy = headers.get("Content-Security-Policy", "")
    faults = [f"policy lacks {part}" for part in _POLICY_MUST_HAVE if part not in policy]
    faults += ["policy allows inline"] if "unsafe" in policy else []
    if headers.get("X-Content-Type-Options") != "nosniff":
        faults.append("no nosniff")
    if "no-store" not in headers.get("Cache-Control", ""):
        faults.append("personal page may be stored")
    if not headers.get("Referrer-Policy"):
        faults.append("no referrer policy")
    return faults
