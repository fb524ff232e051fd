"""The card desk of a first start: blank cards are taken and issued through the card agent's own pages."""

from __future__ import annotations

import secrets

from app.service.staff import CardHolder, Staff
from app.service.telling import Advance
from card_agent.driver import Driver
from card_agent.pin_policy import PinPolicy
from card_agent.progress import IssueStep

_PIN_DIGITS = 6


class CardDesk:
    """Issues cards, and can be interrupted anywhere: the same person goes on with the same card and PIN."""

    def __init__(self, driver: Driver, staff: Staff) -> None:
        self.driver = driver
        self._staff = staff

    def issue(self, what: str, name: str, uid: str, hop: str, operator_pin: str, advance: Advance) -> None:
        """Issue the card of one of the starting staff in reader 2, and put it back into the drawer.

        Args:
            what, name, uid: whose card it is.
            hop: the link to the card agent, with a fresh ticket.
            operator_pin: empty for the founders, whom no operator approves.

        Raises:
            card_agent.driver.DriverRefused: with what the agent's page says.
        """
        holder = self._staff.of(uid) or self._keep_first(what, name, uid)
        self.driver.place("right", holder.card_serial)
        for number, step in enumerate(self.driver.issue(hop, operator_pin, holder.pin), start=1):
            advance(step.sentence, number, len(IssueStep))
        self.driver.remove("right")

    def holder(self, uid: str) -> CardHolder | None:
        """Whoever of the starting staff has this user id and a card."""
        return self._staff.of(uid)

    def _keep_first(self, what: str, name: str, uid: str) -> CardHolder:
        return self._staff.keep(CardHolder(what, name, uid, self._blank_card(), _new_pin(uid)))

    def _blank_card(self) -> str:
        """A new card; or the one that an interrupted start has taken and not written down."""
        lying = self.driver.readers()["right"]
        if lying and lying not in {holder.card_serial for holder in self._staff.all()}:
            return lying
        if lying:
            self.driver.remove("right")
        return self.driver.take_blank("right")


def _new_pin(uid: str) -> str:
    policy = PinPolicy()
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(_PIN_DIGITS))
        if policy.problem(pin, uid) is None:
            return pin
