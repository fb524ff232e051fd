"""Card jobs of a running service, worked off at its desk and killed at chosen moments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from app.bootstrap.cards import following
from app.domain.actor import Actor
from app.domain.card_job import JobStatus
from tests.support.gates import Gates, Signed, WatchedJob
from tests.support.killing import TRIES, Missed, Processes
from tests.support.office import Office, Run, in_background

# Named where a program is: the card is pulled instead, or those that sign for it.
CARD = "card"
SIGNERS_CARDS = "signers' cards"
# Moments of the certificate authority: its own record has got as far as this.
ORDER = {"intended": Signed.INTENDED, "signed": Signed.SIGNED}


@dataclass(frozen=True)
class JobAtDesk:
    """One card job, its actor, and what is filled in at the desk."""

    office: Office
    actor: Actor
    card: str
    job_id: str
    fields: Mapping[str, str]

    @property
    def signers_cards(self) -> Sequence[str]:
        """The cards that sign for the job."""
        return [self.office.priya.card_serial]

    @property
    def status(self) -> JobStatus:
        """How far it is on record."""
        return following(self.office.database).job(self.actor, self.job_id).status

    def work_off(self) -> str:
        """A new ticket, and everything that is left; what the person sees in the end, empty for a success."""
        return self.office.work_off(self.hop(), self.fields)

    def work_off_in_background(self) -> Run:
        hop = self.hop()
        return in_background(lambda: self.office.work_off(hop, self.fields))

    def go_on(self) -> None:
        """Work off what is left, unless it is over."""
        if self.status is not JobStatus.DONE:
            seen = self.work_off()
            assert seen == "", seen
        assert self.status is JobStatus.DONE

    def undo(self, reason: str) -> None:
        """Give it up."""
        following(self.office.database).undo(self.actor, self.job_id, reason)

    def hop(self) -> str:
        """A new ticket, as the link that the page shows."""
        layout = self.office.layout
        ticket = following(self.office.database).ticket(self.actor, self.job_id)
        return f"{layout.agent_origin}/job?{urlencode({'op': layout.web_origin, 'ticket': ticket})}"


Job = TypeVar("Job", bound=JobAtDesk)


@dataclass(frozen=True)
class Killing:
    """Kills one program, or pulls the card, at one moment of a kind of job.

    Attributes:
        steps: the names by which the desk's calls are recorded, in their order.
        certified: which of them (from 1) records certificates; 0 when none does.
    """

    processes: Processes
    steps: tuple[str, ...]
    certified: int = 0

    def killed_at(self, begin: Callable[[], Job], program: str, moment: str) -> tuple[Job, Run]:
        """Begin a job and kill the program at the moment; a missed one is tried again with another job."""
        for _ in range(TRIES):
            job = begin()
            gates = Gates(self.processes, WatchedJob(job.job_id, self.steps, self.certified))
            run = job.work_off_in_background()
            try:
                self._stand_still(gates, moment)
                self._kill(job, program)
                return job, run
            except Missed:
                gates.open()
                run.seen()
                job.go_on()
            finally:
                gates.leave()
        raise AssertionError(f"the moment {moment} was missed again and again")

    def _stand_still(self, gates: Gates, moment: str) -> None:
        when, what = moment.split()
        if when == "order":
            gates.when_ordered(ORDER[what])
        elif when == "before":
            gates.before(self.steps.index(what) + 1)
        else:
            gates.at(self.steps.index(what) + 1)

    def recover(self, job: JobAtDesk, program: str) -> None:
        """Wait until the program serves again, or put the card back."""
        if program in (CARD, SIGNERS_CARDS):
            job.office.put_back(job.card)
        else:
            self.processes.wait_until_back(program)

    def _kill(self, job: JobAtDesk, program: str) -> None:
        """The agent's own process alone is killed: what it started must notice by itself."""
        if program == CARD:
            job.office.pull(job.card)
        elif program == SIGNERS_CARDS:
            job.office.pull(*job.signers_cards)
        elif program == "card-agent":
            self.processes.kill_first_process(program)
        else:
            self.processes.kill(program)


def in_turns(moments: Iterable[str], moments_of: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """Pairs of program and moment, by moment: the supervisor waits longer for a program that stops often."""
    chosen = {program: set(wanted) for program, wanted in moments_of.items()}
    return [(program, moment) for moment in moments for program in chosen if moment in chosen[program]]
