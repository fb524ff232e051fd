"""The SO PINs of cards whose issuance this agent has begun and not finished.

A real card is erased with the SO PIN that it has, and the site keeps it wrapped. So that a card which was
pulled in the middle can be begun anew at the same desk, its SO PINs stay in memory until it is certified.
"""

from __future__ import annotations

import threading

import cryptoki
from card_agent.errors import CardFault
from card_agent.pin import Pin


class UnfinishedSoPins:
    """SO PINs by card serial, oldest first, in memory only."""

    def __init__(self) -> None:
        self._known: dict[str, list[Pin]] = {}
        self._lock = threading.Lock()

    def of(self, serial: str) -> list[Pin]:
        """Return those that the card may have now."""
        with self._lock:
            return list(self._known.get(serial, ()))

    def new(self, serial: str, card_profile: str) -> Pin:
        """Return a new random SO PIN in the form that cards of this profile take. Raises CardFault."""
        so_pin = Pin(random_so_pin(card_profile))
        with self._lock:
            self._known.setdefault(serial, []).append(so_pin)
        return so_pin

    def forget(self, serial: str) -> None:
        """Overwrite the card's SO PINs: it is certified and is not erased again."""
        with self._lock:
            for so_pin in self._known.pop(serial, ()):
                so_pin.forget()


def random_so_pin(card_profile: str) -> str:
    """Return a new SO PIN in the form that cards of this profile take. Raises CardFault."""
    try:
        return cryptoki.load_card_profiles()[card_profile].random_so_pin()
    except (KeyError, cryptoki.errors.CryptokiError) as error:
        raise CardFault(
            f"This card agent has no card profile {card_profile}. Have your IT service desk update it."
        ) from error
