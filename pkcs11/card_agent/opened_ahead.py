"""The card that a card process has opened before it is told what to do with it: while the site is asked, say.

Its module is loaded and nobody is logged in: nothing can be done with the card that could not be done without
it. It is closed when something else is asked of the process, and when nothing is asked for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from card_agent.ports import Card

KEPT_SECONDS: Final = 5.0


class OpenedAhead:
    """At most one card."""

    def __init__(self) -> None:
        self._serial = ""
        self._card: Card | None = None

    def open(self, serial: str, open_card: Callable[[], Card]) -> None:
        """Open the card. Raises what opening it raises, and then none is kept."""
        self.close()
        card = open_card()
        card.open_ahead()
        self._serial, self._card = serial, card

    def take(self, serial: str) -> Card | None:
        """Return the card of that serial if it is the one that is open; any other is closed."""
        if self._serial != serial:
            self.close()
        return self._card

    def close(self) -> None:
        """Close what is open, as after an operation: module finalised, card reset."""
        card, self._serial, self._card = self._card, "", None
        if card is not None:
            card.close_ahead()


IN_THIS_PROCESS: Final = OpenedAhead()
