"""Killed at any step, an export is gone on with, and in the end the card has an SO PIN that nobody has seen.

Two RA managers export the SO PIN of one person's card, again and again, and give the card another one. A kill
never leaves the card with an SO PIN that is not in escrow: the next export releases the one that it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from app.domain.card_job import JobStatus
from app.ra.exporting_so_pins import ExportingSoPins
from card_agent import card_operations
from card_agent.card_process import CardProcesses
from card_agent.driver import Driver
from card_agent.errors import CardAgentError
from card_agent.pin import Pin
from card_agent.virtual_cards import VirtualCardOpener
from tests.support.afterwards import require_audit_verifies, require_unlocks
from tests.support.card_jobs import CARD, SIGNERS_CARDS, JobAtDesk, Killing, in_turns
from tests.support.killing import Processes
from tests.support.office import NEW_PIN, Office, Run, in_background
from tests.support.running_service import Service

REASON = "The maker's tool must read why it answers no more"
# The first signature is recorded with the signer's user id.
FIRST = "signed_by_{first}"
STEPS = (
    "opened_at_the_desk",
    FIRST,
    "approved",
    "so_pin_released",
    "so_pin_exported",
    "next_so_pin_escrowed",
    "so_pin_changed",
)
AFTER = [f"after {step}" for step in STEPS]
# The release and the export are recorded in one call; before the next SO PIN the desk is opened again.
BEFORE = [f"before {step}" for step in (FIRST, "approved", "so_pin_released", "so_pin_changed")]
_SIGNING = [each for pair in zip(AFTER, BEFORE[:3], strict=False) for each in pair]
GONE_ON_WITH = in_turns(
    [*_SIGNING, *AFTER[3:6], BEFORE[3], AFTER[6]],
    {
        "web": [*AFTER, *BEFORE],
        "card-agent": [*AFTER, *BEFORE],
        "ca": [*AFTER[2:5], BEFORE[2]],
        "worker": AFTER[3:5],
        CARD: [AFTER[5], BEFORE[3]],
        SIGNERS_CARDS: [*AFTER[:2], *BEFORE[:2]],
    },
)


@dataclass(frozen=True)
class ExportAtDesk(JobAtDesk):
    """One export. ``shown`` are the SO PINs that people have read at the desk in it."""

    begin_anew: Callable[[], str]
    shown: list[str] = field(default_factory=list)

    @property
    def signers_cards(self) -> Sequence[str]:
        return [self.office.priya.card_serial, self.fields["second_card"]]

    def work_off(self) -> str:
        return self.office.watched(self._each_step)

    def work_off_in_background(self) -> Run:
        return in_background(self.work_off)

    def give_up_if_nobody_read_it(self) -> ExportAtDesk:
        """As the desk's page says: what was shown while nobody could read it is not shown again."""
        if not (self.is_exported and self.status.is_open) or self.shown:
            return self
        self.undo("Nobody could read it.")
        return ExportAtDesk(
            self.office, self.actor, self.card, self.begin_anew(), self.fields, self.begin_anew
        )

    def go_on(self) -> None:
        """As the desk says where a run that was cut off had changed the card: end it, and export anew."""
        seen = "" if self.status is JobStatus.DONE else self.work_off()
        if "has its next SO PIN already" in seen:
            assert self.office.watched(self._ended) == ""
            replace(self, job_id=self.begin_anew()).go_on()
        else:
            assert seen == "", seen
        assert self.status is JobStatus.DONE

    @property
    def is_exported(self) -> bool:
        with self.office.database.read() as work:
            job = work.card_jobs.get(self.job_id)
        assert job is not None
        return job.facts.get("exported") is True

    def _each_step(self, desk: Driver) -> Iterator[object]:
        if not self.is_exported:
            yield from self._sign_and_read(desk)
        self.office.put_back(self.card)
        yield from desk.work_off(self.hop(), {"what": "change", "so_pin": self.shown[-1]})

    def _ended(self, desk: Driver) -> Iterator[object]:
        yield from desk.work_off(self.hop(), {"what": "keep", "why": "A change was cut off."})

    def _sign_and_read(self, desk: Driver) -> Iterator[object]:
        self.office.put_back(self.fields["second_card"])
        address = desk.fill_in(self.hop(), {"signer_pin": self.fields["first_pin"]})
        yield from desk.work_off(address, {"signer_pin": self.fields["second_pin"]})
        shown = re.search(r"without the spaces\. ((?:[0-9A-Za-z]{4} )+)", desk.read(address))
        assert shown, desk.read(address)
        # The one that the card is known to have comes first, then what it may have got since.
        self.shown.extend(re.findall(r"[0-9A-Za-z]{32}", shown[1].replace(" ", "")))


class Exported:
    """Somebody whose card's SO PIN is exported again and again, by two RA managers: Priya became one."""

    def __init__(self, office: Office, service: Service) -> None:
        self._office, self._exporting = office, ExportingSoPins(office.database)
        people = service.people()
        self.second = people["RA manager"]
        office.make_manager(office.priya, self.second, people["sponsor"])
        self.uid = office.register()
        self.card = office.issue_whole(self.uid)
        self._cards = CardProcesses(VirtualCardOpener(office.layout.desk))

    def begin(self) -> ExportAtDesk:
        office, second = self._office, self.second
        fields = {
            "first_pin": office.priya.pin,
            "second_card": second.card_serial,
            "second_pin": second.pin,
        }
        return ExportAtDesk(office, office.actor, self.card, self._begun(), fields, self._begun)

    def _begun(self) -> str:
        return self._exporting.begin(self._office.actor, self.card, REASON)

    def require_unseen(self, shown: list[str]) -> None:
        """What people have read opens the card no more, and one SO PIN is in escrow."""
        self._office.put_back(self.card)
        assert shown
        for so_pin in set(shown):
            with pytest.raises(CardAgentError):
                self._cards.run(self.card, card_operations.unblock, [Pin(NEW_PIN), Pin(so_pin)])
        with self._office.database.read() as work:
            assert len(work.cards.wrapped_so_pins(self.card)) == 1


@pytest.fixture(scope="module")
def exported(office: Office, service: Service) -> Exported:
    return Exported(office, service)


@pytest.mark.parametrize(("program", "moment"), GONE_ON_WITH)
def test_killed_and_gone_on_with(
    program: str, moment: str, exported: Exported, office: Office, processes: Processes
) -> None:
    first = office.priya.uid
    killing = Killing(processes, tuple(step.format(first=first) for step in STEPS))
    job, run = killing.killed_at(exported.begin, program, moment.format(first=first))
    killing.recover(job, program)
    run.seen()
    job = job.give_up_if_nobody_read_it()
    job.go_on()
    exported.require_unseen(job.shown)
    assert exported.card in office.sign_in(exported.card)


def test_afterwards_the_card_can_be_unlocked_and_the_audit_verifies(
    exported: Exported, office: Office
) -> None:
    require_unlocks(office, exported.card, NEW_PIN)
    require_audit_verifies(office)
