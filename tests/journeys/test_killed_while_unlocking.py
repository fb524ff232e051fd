"""Killed at any step, an unlocking can be gone on with, and the card's certificates stay what they are.

One person's card is locked by wrong PINs and unlocked with the RA agent's signature, again and again, each
time to another PIN.
"""

from __future__ import annotations

import itertools

import pytest

from app.ra.unlocking import Unlocking
from card_agent import card_operations
from card_agent.card_process import CardProcesses
from card_agent.driver import DriverRefused
from card_agent.errors import PinIncorrect, PinLocked
from card_agent.pin import Pin
from card_agent.virtual_cards import VirtualCardOpener
from tests.support.afterwards import require_audit_verifies
from tests.support.card_jobs import CARD, SIGNERS_CARDS, JobAtDesk, Killing, in_turns
from tests.support.killing import Processes
from tests.support.office import NEW_PIN, Office

STEPS = ("opened_at_the_desk", "approved", "so_pin_released", "next_so_pin_escrowed", "unlocked")
AFTER = [f"after {step}" for step in STEPS]
BEFORE = [f"before {step}" for step in STEPS[1:]]
EVERY = [*AFTER, *BEFORE]
GONE_ON_WITH = in_turns(
    [each for pair in zip(AFTER, BEFORE, strict=False) for each in pair] + AFTER[-1:],
    {
        "web": EVERY,
        "card-agent": EVERY,
        "ca": EVERY,
        "worker": AFTER,
        CARD: EVERY[:-1],
        SIGNERS_CARDS: [AFTER[0], BEFORE[0]],
    },
)
PINS = ("59174028", "60281947")
_WRONG = "48301957"


class Locked:
    """Somebody whose card is locked again and again; ``pin`` is the one chosen at the latest unlocking."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._unlocking = Unlocking(office.database)
        self._processes = CardProcesses(VirtualCardOpener(office.layout.desk))
        self._next_pins = itertools.cycle(reversed(PINS))
        self.pin = NEW_PIN
        self.uid = office.register()
        self.card = office.issue_whole(self.uid)

    def begin(self) -> JobAtDesk:
        """Lock the card, and begin to unlock it to another PIN."""
        for _ in range(3):
            with pytest.raises((PinIncorrect, PinLocked)):
                self._processes.run(self.card, card_operations.check_pin, [Pin(_WRONG)])
        self.pin = next(self._next_pins)
        self._office.put_back(self.card)
        job_id = self._unlocking.begin(self._office.actor, self.card)
        pins = {"signer_pin": self._office.priya.pin, "new_pin": self.pin, "repeated_pin": self.pin}
        return JobAtDesk(self._office, self._office.actor, self.card, job_id, pins)


@pytest.fixture(scope="module")
def locked(office: Office) -> Locked:
    return Locked(office)


@pytest.mark.parametrize(("program", "moment"), GONE_ON_WITH)
def test_killed_and_gone_on_with(
    program: str, moment: str, locked: Locked, office: Office, processes: Processes
) -> None:
    certificates = {each.serial_number: each.status for each in office.certificates(locked.uid)}
    killing = Killing(processes, STEPS)
    job, run = killing.killed_at(locked.begin, program, moment)
    killing.recover(job, program)
    run.seen()
    job.go_on()
    assert {each.serial_number: each.status for each in office.certificates(locked.uid)} == certificates
    with pytest.raises(DriverRefused, match="Wrong PIN"):
        office.sign_in(locked.card, next(pin for pin in PINS if pin != locked.pin))
    assert locked.card in office.sign_in(locked.card, locked.pin)


def test_afterwards_the_audit_verifies(office: Office) -> None:
    require_audit_verifies(office)
