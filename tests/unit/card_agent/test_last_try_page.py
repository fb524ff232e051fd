"""The page of the last try speaks to whoever reads it: holders know PIN and unlocking, not the SO PIN."""

from __future__ import annotations

import re

from card_agent.card_views import CardView
from card_agent.pages import page
from card_agent.ports import Purpose

CERTIFICATES = {Purpose.AUTHENTICATION: b""}


def texts_of(card: CardView) -> tuple[str, str, str]:
    """Title, heading and button."""
    values = {"card": card, "second": None, "form_value": "", "back": "", "way_back": None}
    body = page("last_try.html", values).body.decode()
    title, heading, button = (
        re.search(f"<{tag}>(.*?)</{tag}>", body, re.DOTALL) for tag in ("title", "h1", "button")
    )
    assert title
    assert heading
    assert button
    return title[1], heading[1], button[1]


def card(*, awaits_so_consent: bool = False, would_unlock: bool = False) -> CardView:
    return CardView(
        *("123", "Reader 1", "710000000017", "Amara Osei", 1, CERTIFICATES),
        awaits_so_consent=awaits_so_consent,
        would_unlock=would_unlock,
    )


def test_a_holder_at_the_last_try_of_the_pin_reads_of_the_pin() -> None:
    title, heading, button = texts_of(card())
    assert title.startswith("The last try")
    assert heading == "The last try of Amara Osei’s card"
    assert button == "Use the last try"


def test_whoever_unlocks_reads_of_unlocking() -> None:
    title, heading, button = texts_of(card(awaits_so_consent=True, would_unlock=True))
    assert title.startswith("The last try of unlocking")
    assert heading == "The last try of unlocking Amara Osei’s card"
    assert button == "Agree to the last try of unlocking"


def test_who_clears_a_card_or_changes_its_so_pin_reads_of_the_so_pin() -> None:
    title, heading, button = texts_of(card(awaits_so_consent=True))
    assert title.startswith("The last try of the SO PIN")
    assert heading == "The last try of the SO PIN of Amara Osei’s card"
    assert button == "Agree to the last try of the SO PIN"
