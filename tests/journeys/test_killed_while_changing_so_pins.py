"""Killed at any step, the change of an SO PIN that was given away is gone on with, by its holder alone.

One person's card has its SO PIN given away again and again, as an unlocking by telephone does, and the holder
gives the card another one. A kill never leaves it with an SO PIN that is not in escrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from app.domain.actor import Actor
from app.domain.so_pin_release import ReleaseBasis
from app.ra.changing_so_pins import ChangingSoPins
from app.settings import load
from app.storage.ca.tables import so_pin_release
from app.storage.database import Database
from tests.support.afterwards import require_audit_verifies, require_unlocks
from tests.support.card_jobs import CARD, JobAtDesk, Killing, in_turns
from tests.support.killing import Processes
from tests.support.office import NEW_PIN, Office
from tests.support.running_service import Service

STEPS = ("opened_at_the_desk", "approved", "so_pin_released", "next_so_pin_escrowed", "so_pin_changed")
AFTER = [f"after {step}" for step in STEPS]
BEFORE = [f"before {step}" for step in STEPS[1:]]
EVERY = [*AFTER, *BEFORE]
GONE_ON_WITH = in_turns(
    [each for pair in zip(AFTER, BEFORE, strict=False) for each in pair] + AFTER[-1:],
    {"web": EVERY, "card-agent": EVERY, "ca": [*AFTER[1:4], *BEFORE[1:3]], CARD: EVERY[:-1]},
)
_LONG_AGO = timedelta(days=2)


class GivenAway:
    """Somebody whose card's SO PIN others know, again and again."""

    def __init__(self, office: Office, service: Service) -> None:
        self._office = office
        self._changing = ChangingSoPins(office.database)
        self._ledger = Database(load(service.settings).ca.database_url)
        self._times = 0
        self.uid = office.register()
        self.card = office.issue_whole(self.uid)

    def begin(self) -> JobAtDesk:
        """It is given away, and its holder begins to give the card another one."""
        self._give_away()
        self._office.put_back(self.card)
        holder = Actor(self.uid, "the holder")
        job_id = self._changing.begin_own(holder, self.card)
        return JobAtDesk(self._office, holder, self.card, job_id, {"holder_pin": NEW_PIN})

    def _give_away(self) -> None:
        """What an unlocking by telephone leaves: the authority knows of it, and so does the register.

        The holder's own changes of a day are counted, so each of ours is a thing of the past.
        """
        self._times += 1
        long_ago = datetime.now(UTC) - _LONG_AGO
        row = {
            "job_id": f"telephone-{self._times}",
            "recipient": f"{self._times:064x}",
            "card_serial": self.card,
            "basis": ReleaseBasis.OFFLINE.value,
            "released_at": long_ago,
        }
        with self._ledger.change() as work:
            this = so_pin_release.c.card_serial == self.card
            work.connection.execute(update(so_pin_release).where(this).values(released_at=long_ago))
            work.connection.execute(insert(so_pin_release).values(row))
        with self._office.database.change() as work:
            work.cards.mark_so_pin_seen(self.card, work.now)

    def require_changed(self) -> None:
        """Nobody has seen the card's SO PIN now, and one alone is in escrow."""
        with self._office.database.read() as work:
            assert len(work.cards.wrapped_so_pins(self.card)) == 1
        assert self._changing.due(self.uid) == []

    def close(self) -> None:
        self._ledger.close()


@pytest.fixture(scope="module")
def given_away(office: Office, service: Service) -> Iterator[GivenAway]:
    given_away = GivenAway(office, service)
    yield given_away
    given_away.close()


@pytest.mark.parametrize(("program", "moment"), GONE_ON_WITH)
def test_killed_and_gone_on_with(
    program: str, moment: str, given_away: GivenAway, office: Office, processes: Processes
) -> None:
    killing = Killing(processes, STEPS)
    job, run = killing.killed_at(given_away.begin, program, moment)
    killing.recover(job, program)
    run.seen()
    job.go_on()
    given_away.require_changed()
    assert given_away.card in office.sign_in(given_away.card)


def test_afterwards_the_card_can_be_unlocked_and_the_audit_verifies(
    given_away: GivenAway, office: Office
) -> None:
    require_unlocks(office, given_away.card, NEW_PIN)
    require_audit_verifies(office)
