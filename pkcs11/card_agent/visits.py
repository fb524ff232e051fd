"""What one page of the browser is about, kept between its requests: form values and ways back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from card_agent.errors import PageExpired
from card_agent.remembered import Remembered

_PAGE_LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True)
class WayBack:
    """A link on the desk page to what the person was doing: its words and the agent's own address."""

    label: str
    href: str


class FormValues:
    """Hands out the hidden value of each form and takes it back once, for the same purpose only.

    A page of another site cannot read it (there is no CORS), so it cannot send the form.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._purposes: Remembered[str] = Remembered(_PAGE_LIFETIME, clock)

    def new(self, purpose: str) -> str:
        """Return a new value for a form of this purpose."""
        return self._purposes.add(purpose)

    def take(self, form_value: str, purpose: str) -> None:
        """Accept the value once. Raises PageExpired when it is unknown, used, too old or another form's."""
        if self._purposes.take(form_value) != purpose:
            raise PageExpired("This form belongs to another page. Go back to the site and start again.")


class WaysBack:
    """Keeps the ways back that the desk page offers, under unguessable names."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._ways: Remembered[WayBack] = Remembered(_PAGE_LIFETIME, clock)

    def add(self, label: str, href: str) -> str:
        """Keep a way back and return its name, for ``/?back=<name>``."""
        return self._ways.add(WayBack(label, href))

    def find(self, name: str) -> WayBack | None:
        """Return the way back, or None when there is none of that name any more."""
        try:
            return self._ways.look_up(name)
        except PageExpired:
            return None
