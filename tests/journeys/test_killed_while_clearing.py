"""Killed at any step, clearing a card can be gone on with, and no card is blank stock with keys on it.

One card goes from one person to the next: issued, cancelled, cleared. Everybody's certificates stay revoked,
and the next holder's card works.
"""

from __future__ import annotations

import pytest

from app.domain.card import CardStatus
from app.domain.card_job import JobStatus
from app.ra.clearing import Clearing
from app.ra.moving_cards import MoveAsked, MovingCards
from card_agent.driver import DriverRefused
from tests.support.afterwards import require_audit_verifies
from tests.support.card_jobs import CARD, JobAtDesk, Killing, in_turns
from tests.support.killing import Processes
from tests.support.office import Office

STEPS = ("opened_at_the_desk", "cleared")
AFTER = [f"after {step}" for step in STEPS]
MOMENTS = [AFTER[0], "before cleared", AFTER[1]]
GONE_ON_WITH = in_turns(
    MOMENTS,
    {"web": MOMENTS, "card-agent": MOMENTS, "worker": MOMENTS, "ca": MOMENTS, CARD: MOMENTS[:2]},
)
# Given up where most may be left behind: the card is erased, and nobody has heard of it.
GIVEN_UP = [("web", MOMENTS[1]), ("card-agent", MOMENTS[0]), ("card-agent", MOMENTS[1]), (CARD, MOMENTS[1])]


class Handed:
    """A card that goes from one person to the next; ``uid`` is its latest holder."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._moving, self._clearing = MovingCards(office.database), Clearing(office.database)
        self.uid = self.card = ""

    def begin(self) -> JobAtDesk:
        """Issue it to somebody new, cancel it because they left, and begin to clear it."""
        self.uid = self._office.register()
        self.card = self._office.issue_whole(self.uid, self.card)
        self._moving.give(self._office.actor, self.card, "cancel", MoveAsked("left"))
        return self.begin_to_clear()

    def begin_to_clear(self) -> JobAtDesk:
        self._office.put_back(self.card)
        job_id = self._clearing.begin(self._office.actor, self.card)
        return JobAtDesk(self._office, self._office.actor, self.card, job_id, {})

    def require_cleared(self) -> None:
        """Blank stock without a key, and nothing that was on it is believed."""
        assert self.status is CardStatus.RECYCLED
        self._office.require_blank(self.card)
        self._office.require_nothing_live(self.uid)
        with pytest.raises(DriverRefused):
            self._office.sign_in(self.card)

    @property
    def status(self) -> CardStatus:
        with self._office.database.read() as work:
            card = work.cards.get(self.card)
        assert card is not None
        return card.status


@pytest.fixture(scope="module")
def handed(office: Office) -> Handed:
    return Handed(office)


@pytest.mark.parametrize(("program", "moment"), GONE_ON_WITH)
def test_killed_and_gone_on_with(
    program: str, moment: str, handed: Handed, office: Office, processes: Processes
) -> None:
    killing = Killing(processes, STEPS)
    job, run = killing.killed_at(handed.begin, program, moment)
    # The card first: without the program that was killed the run may go on, and end between the two looks.
    before = handed.status
    assert before is CardStatus.CANCELLED or job.status is JobStatus.DONE
    killing.recover(job, program)
    run.seen()
    job.go_on()
    handed.require_cleared()


@pytest.mark.parametrize(("program", "moment"), GIVEN_UP)
def test_killed_and_given_up(
    program: str, moment: str, handed: Handed, office: Office, processes: Processes
) -> None:
    """The card stays cancelled, whatever is still on it, and is cleared after all by another job."""
    killing = Killing(processes, STEPS)
    job, run = killing.killed_at(handed.begin, program, moment)
    killing.recover(job, program)
    run.seen()
    if job.status.is_open:
        job.undo("The machine stopped.")
        assert handed.status is CardStatus.CANCELLED
        handed.begin_to_clear().go_on()
    handed.require_cleared()


def test_afterwards_it_goes_to_somebody_else_and_the_audit_verifies(handed: Handed, office: Office) -> None:
    uid = office.register()
    card = office.issue_whole(uid, handed.card)
    office.require_live(uid, card)
    assert card in office.sign_in(card)
    require_audit_verifies(office)
