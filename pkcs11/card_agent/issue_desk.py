"""The issuances this desk has collected, and the run that may be going on.

In memory only: after a restart a new claim brings the job back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from card_agent import card_operations
from card_agent.approval import DeskApproval, card_to_issue, operator_card, signed_approval
from card_agent.card_process import CardProcesses
from card_agent.card_views import CardView, CardViews
from card_agent.desk_job import CERTIFIED, Job, job_from_untrusted
from card_agent.errors import DeskBusy, PageExpired
from card_agent.issuing import CardIssue, IssuePlan
from card_agent.job_client import ClaimedJob, CollectedJob
from card_agent.pin import Pin, random_pin
from card_agent.progress import IssueStep, Progress
from card_agent.remembered import Remembered
from card_agent.so_pins import UnfinishedSoPins
from card_agent.waiting_pin import WaitingPin

_JOB_LIFETIME = timedelta(hours=2)


@dataclass
class DeskIssue:
    """A collected job and its latest run, if any."""

    claimed: ClaimedJob
    collected_at: datetime
    progress: Progress | None = None
    # Of a card that is issued locked: made here, shown to nobody, forgotten when the card is done.
    unknown_pin: Pin | None = None
    waiting_pin: WaitingPin = field(default_factory=WaitingPin)

    @property
    def job(self) -> Job:
        """Return the job as the site last told it."""
        return self.claimed.job

    @property
    def needs_approval(self) -> bool:
        """Say whether the operator's approval is still to be signed."""
        return self.job.needs_approval

    @property
    def needs_new_pin(self) -> bool:
        """Say whether the holder chooses a PIN now. After certification the card has its PIN already."""
        return self.job.state != CERTIFIED and not self.job.is_locked

    @property
    def has_lost_its_pin(self) -> bool:
        """Say whether a locked card has its PIN from a desk that has stopped, so that nobody knows it."""
        return self.job.is_locked and self.job.state == CERTIFIED and self.unknown_pin is None

    def pin_nobody_knows(self) -> Pin:
        """Return the PIN of a card that is issued locked: random, the same until the card is certified."""
        if self.unknown_pin is None or self.job.state != CERTIFIED:
            self.unknown_pin = random_pin(self.job.pin_policy.maximum)
        return Pin(self.unknown_pin.reveal())


class IssueDesk:
    """Collects jobs and runs one of them at a time."""

    def __init__(
        self,
        views: CardViews,
        processes: CardProcesses,
        clock: Callable[[], datetime],
        running: threading.Lock,
    ) -> None:
        self._views = views
        self._processes = processes
        self._clock = clock
        self._issues: Remembered[DeskIssue] = Remembered(_JOB_LIFETIME, clock, capacity=50)
        self._running = running
        self._so_pins = UnfinishedSoPins()

    def take(self, collected: CollectedJob) -> str:
        """Keep a collected issuance and return the name it has at this desk.

        Raises JobUnusable or SiteUnavailable.
        """
        job = job_from_untrusted(collected.message)
        claimed = ClaimedJob(collected.connection, job, collected.job_token)
        self._processes.get_ready()
        return self._issues.add(DeskIssue(claimed, self._clock()))

    def find(self, name: str) -> DeskIssue:
        """Return the collected job. Raises PageExpired."""
        return self._issues.look_up(name)

    def go_on(self, issue: DeskIssue) -> None:
        """Ask the site how far the job is and offer the form again, unless it is running.

        Raises JobRefused or SiteUnavailable.
        """
        if issue.progress is None or issue.progress.is_over:
            issue.claimed.reload()
            issue.progress = None

    def lying(self) -> str:
        """Return what lies in which reader. Raises ReadersUnavailable."""
        return self._views.lying()

    def cards(self, issue: DeskIssue) -> tuple[CardView | None, CardView]:
        """Return the operator's card (None when none approves) and the card to issue.

        Raises CardMissing or WrongCard.
        """
        cards = self._views.cards_in_readers()
        operator = operator_card(cards, issue.job.operator) if issue.needs_approval else None
        return operator, card_to_issue(cards, issue.job)

    def approve(
        self, issue: DeskIssue, operator: CardView | None, target: CardView, operator_pin: Pin
    ) -> DeskApproval | None:
        """Return the approval signed on the operator's card, or None when the card is certified already.

        Raises PinIncorrect, PinLocked, CardRemoved or CardFault.
        """
        if operator is None:
            return None
        return signed_approval(
            issue.claimed, target.serial, operator, operator_pin, self._processes, self._clock()
        )

    def check_holder_pin(self, issue: DeskIssue, target: CardView, pin: Pin) -> None:
        """Check, on a certified card, the holder's PIN and that the keys are there.

        Raises PinIncorrect, PinLocked, KeysNotOnCard, CardRemoved or CardFault.
        """
        if issue.job.certificates:
            certificates = issue.job.certificates.by_purpose
            self._processes.run(target.serial, card_operations.require_keys_of, [pin], certificates)

    def start(
        self, issue: DeskIssue, target: CardView, approval: DeskApproval | None, holder_pin: Pin
    ) -> None:
        """Start the run in a thread of its own. Raises PageExpired or DeskBusy."""
        if issue.progress is not None:
            raise PageExpired("This card is being issued already. Open its page again to see how far it is.")
        if not self._running.acquire(blocking=False):
            raise DeskBusy("This desk is issuing another card. Wait until that is finished.")
        issue.progress = progress = self._progress_so_far(issue)
        run = CardIssue(
            issue.claimed,
            IssuePlan(target.serial, holder_pin, approval),
            self._processes,
            progress,
            self._so_pins,
        )
        threading.Thread(
            target=self._run, args=(run, issue), name=f"issuance {issue.job.id}", daemon=True
        ).start()

    def _progress_so_far(self, issue: DeskIssue) -> Progress:
        progress = Progress(self._clock, IssueStep)
        progress.did(IssueStep.COLLECT, issue.collected_at)
        if issue.job.state == CERTIFIED:
            steps = list(IssueStep)
            progress.skip(*steps[: steps.index(IssueStep.WRITE_CERTIFICATES)])
        return progress

    def _run(self, run: CardIssue, issue: DeskIssue) -> None:
        try:
            run.run()
            if issue.unknown_pin is not None and issue.progress is not None and not issue.progress.failure:
                issue.unknown_pin.forget()
        finally:
            self._running.release()
            self._processes.end()
            issue.claimed.rest()
