"""Killed at any step, a renewal can be gone on with, and the card works all the time.

One person's card is renewed again and again, with the RA agent's signature. Afterwards the card has one live
certificate for each purpose, on record, in the certificate authority's ledger and on the card; all others of
its are revoked.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.bootstrap.cards import renewal_rules
from app.domain.card_job import JobStepOutOfOrder
from app.domain.renewal_job import Signing
from app.ra.renewing import Renewing
from tests.support.afterwards import require_audit_verifies
from tests.support.card_jobs import CARD, JobAtDesk, Killing, in_turns
from tests.support.killing import Processes
from tests.support.office import NEW_PIN, Office
from tests.support.running_service import Service
from tests.support.years import Years

STEPS = ("opened_at_the_desk", "keys_presented", "approved", "certified", "in_use", "old_keys_removed")
AFTER = [f"after {step}" for step in STEPS]
BEFORE = [f"before {step}" for step in STEPS[1:]]
MOMENTS = [
    *(each for pair in zip(AFTER, BEFORE, strict=False) for each in pair),
    "order intended",
    "order signed",
]
GONE_ON_WITH = in_turns(
    [*MOMENTS, AFTER[-1]],
    {
        "web": [*AFTER, *BEFORE, "order signed"],
        "card-agent": [*AFTER, *BEFORE],
        "ca": [*AFTER[1:5], "order intended", "order signed"],
        "worker": AFTER[2:],
        "directory": AFTER[3:5],
        CARD: [*AFTER[:5], *BEFORE],
    },
)
# Fewer, for the time they take: those that leave the most behind.
UNDONE = in_turns(
    MOMENTS,
    {
        "web": ["after keys_presented", "order signed"],
        "card-agent": ["before certified"],
        "ca": ["order intended"],
    },
)


class Renewed:
    """Somebody whose card is renewed again and again."""

    def __init__(self, office: Office, years: Years) -> None:
        self._office, self._years = office, years
        self._renewing = Renewing(office.database, renewal_rules())
        self.uid = office.register()
        self.card = office.issue_whole(self.uid)

    def begin(self) -> JobAtDesk:
        """Let the certificates come near their end, and begin to renew them."""
        self._years.let_end(self.card, days=30)
        self._office.put_back(self.card)
        job_id = self._renewing.begin(self._office.actor, self.card, Signing.OPERATOR)
        pins = {"holder_pin": NEW_PIN, "signer_pin": self._office.priya.pin}
        return JobAtDesk(self._office, self._office.actor, self.card, job_id, pins)


@pytest.fixture(scope="module")
def renewed(office: Office, service: Service) -> Iterator[Renewed]:
    years = Years(service)
    yield Renewed(office, years)
    years.close()


@pytest.mark.parametrize(("program", "moment"), GONE_ON_WITH)
def test_killed_and_gone_on_with(
    program: str, moment: str, renewed: Renewed, office: Office, processes: Processes
) -> None:
    before = {each.serial_number for each in office.certificates(renewed.uid)}
    killing = Killing(processes, STEPS, certified=4)
    job, run = killing.killed_at(renewed.begin, program, moment)
    killing.recover(job, program)
    run.seen()
    job.go_on()
    office.require_live(renewed.uid, renewed.card)
    assert len({each.serial_number for each in office.certificates(renewed.uid)} - before) >= 2
    assert renewed.card in office.sign_in(renewed.card)


@pytest.mark.parametrize(("program", "moment"), UNDONE)
def test_killed_and_given_up(
    program: str, moment: str, renewed: Renewed, office: Office, processes: Processes
) -> None:
    """Before the desk has new certificates, the old ones stay; and the card can be renewed after all."""
    killing = Killing(processes, STEPS, certified=4)
    job, run = killing.killed_at(renewed.begin, program, moment)
    killing.recover(job, program)
    run.seen()
    if job.status.is_open:
        _give_up(job)
    office.wait_until_carried()
    assert renewed.card in office.sign_in(renewed.card)
    again = renewed.begin()
    again.go_on()
    office.require_live(renewed.uid, renewed.card)


def _give_up(job: JobAtDesk) -> None:
    """Or finish it: a call that was under way when the agent was killed may have been carried out."""
    try:
        job.undo("The machine stopped.")
    except JobStepOutOfOrder:
        job.go_on()


def test_afterwards_the_audit_verifies(office: Office) -> None:
    require_audit_verifies(office)
