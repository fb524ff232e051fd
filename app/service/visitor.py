"""A person at the desk with a browser and a card, for the first start and for measurements.

It reads the service's own pages and sends their forms; there is no way round them.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import urljoin

import httpx

from app.service.layout import Layout
from card_agent.driver import Driver
from card_agent.page_reading import PageRead, read_page

_HOP = re.compile(r'href="(http://127\.0\.0\.1:\d+/(?:card|job)\?[^"]+)"')
_PATIENCE_SECONDS = 60


class NotDone(Exception):
    """A page refused what was sent. The message is what the page says."""


class Visitor:
    """One person: a browser of their own, and the desk with its two readers."""

    def __init__(self, layout: Layout, desk: Driver) -> None:
        self._origin = layout.web_origin
        self._desk = desk
        trust = ssl.create_default_context(cafile=str(layout.tls / "ca.pem"))
        self._browser = httpx.Client(
            base_url=layout.web_origin,
            verify=trust,
            follow_redirects=True,
            timeout=_PATIENCE_SECONDS,
            trust_env=False,
        )

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._browser.close()

    def sign_in(self, card_serial: str, pin: str) -> None:
        """Put the card into reader 1, sign in with it, accept the terms, and work in the only role.

        Raises:
            NotDone, card_agent.driver.DriverRefused
        """
        self._desk.place("left", card_serial)
        answer = self._desk.sign_in(self.hop(self.open("/sign-in?again=yes")), pin, card_serial)
        token = answer.partition("#")[2]
        page = self.send("/sign-in/card", {"token": token})
        if page.url.path == "/sign-in/terms":
            self.send_form(page, "/sign-in/terms", {"accepted": "yes"})

    def open(self, path: str) -> httpx.Response:
        """Open a page.

        Raises:
            NotDone: the page cannot be had.
        """
        return _require_done(self._browser.get(path))

    def send(
        self,
        path: str,
        answers: Mapping[str, str | list[str]],
        *,
        action: str = "",
        photo: bytes | None = None,
    ) -> httpx.Response:
        """Open the page at ``path``, fill in one of its forms and send it.

        Args:
            answers: form field to what is typed or chosen.
            action: which form, by where it goes; the page's own address unless given.
            photo: a JPEG for the form's photo field.

        Returns:
            The page that the browser ends on.

        Raises:
            NotDone: with what the page says.
        """
        page = self.open(path)
        return self.send_form(page, action or path, answers, photo=photo)

    def send_form(
        self,
        page: httpx.Response,
        action: str,
        answers: Mapping[str, str | list[str]],
        *,
        photo: bytes | None = None,
    ) -> httpx.Response:
        """Fill in a form of a page that is open, and send it. As ``send``."""
        ready_made = _form(read_page(page.text), action)
        files = {"photo": ("photo.jpg", photo, "image/jpeg")} if photo else None
        address = urljoin(str(page.url), action)
        headers = {"Origin": self._origin}
        sent = self._browser.post(address, data={**ready_made, **answers}, files=files, headers=headers)
        return _require_done(sent)

    def hop(self, page: httpx.Response) -> str:
        """The page's link to the card agent.

        Raises:
            NotDone: it has none.
        """
        found = _HOP.search(page.text)
        if found is None:
            raise NotDone(f"No link to the card agent on the page: {_words(page)}")
        return found[1].replace("&amp;", "&")


def _form(page: PageRead, action: str) -> dict[str, str]:
    if action not in page.forms:
        raise NotDone(f"The page has no form for {action}: {page.problem or page.text[:300]}")
    return page.forms[action]


def _require_done(response: httpx.Response) -> httpx.Response:
    if response.status_code >= httpx.codes.BAD_REQUEST:
        raise NotDone(f"{response.request.url.path} answered {response.status_code}: {_words(response)}")
    return response


def _words(response: httpx.Response) -> str:
    page = read_page(response.text)
    return (page.problem or page.text)[:600]
