"""Batches at this desk: one blank card after another, each approved by the operator's card.

Each is issued locked, or with the PIN that its holder chooses at the desk when it is their turn.

The operator's PIN is entered once for a run and stays in this process' memory until the run ends, for at most
``PIN_LASTS`` and ``MOST_CARDS`` cards, whichever comes first. Each card is signed for on its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from card_agent.approval import card_to_issue, operator_card, signed_approval
from card_agent.batch_link import BatchLink
from card_agent.card_process import CardProcesses
from card_agent.card_signature import signed_by
from card_agent.card_views import CardView, CardViews
from card_agent.errors import CardAgentError, CardMissing, DeskBusy, PageExpired, WrongCard
from card_agent.holder_turn import HolderTurn
from card_agent.issuing import CardIssue, IssuePlan
from card_agent.job_client import ClaimedJob
from card_agent.pin import Pin, random_pin
from card_agent.ports import Purpose
from card_agent.progress import IssueStep, Progress
from card_agent.remembered import Remembered
from card_agent.so_pins import UnfinishedSoPins

PIN_LASTS = timedelta(minutes=30)
MOST_CARDS = 100
# How long a run waits for the next blank card, and how often it looks.
_BLANK_WITHIN = timedelta(minutes=5)
_LOOK_EVERY_SECONDS = 0.2
_LIFETIME = timedelta(hours=12)
_PROBE = b"spine-ra/batch-pin-check"

PIN_IS_OVER = "Your PIN was kept for 30 minutes or 100 cards. Enter it again to go on."
NO_BLANK = "No blank card was put in a reader for five minutes. Go on when you have one."


@dataclass
class DeskBatch:
    """A collected batch and its run, if one is going on.

    ``holder`` is whose card is being made; ``turn`` is there while the run waits for that holder's PIN;
    ``made`` is the serial of the card that this run made last, and whose it is.
    """

    link: BatchLink
    ended: int
    total: int
    holder: str = ""
    wants: str = ""
    stopped: str = ""
    made: tuple[str, str] = ("", "")
    turn: HolderTurn | None = None
    is_running: bool = False
    is_finished: bool = False


class BatchDesk:
    """Runs one batch at a time; ``running`` is the lock of everything that runs at this desk."""

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
        self._running = running
        self._so_pins = UnfinishedSoPins()
        self._batches: Remembered[DeskBatch] = Remembered(_LIFETIME, clock, capacity=10)

    def take(self, link: BatchLink) -> str:
        """Keep a collected batch and return the name it has at this desk."""
        return self._batches.add(DeskBatch(link, link.ended, link.total))

    def find(self, name: str) -> DeskBatch:
        """Return the collected batch. Raises PageExpired."""
        return self._batches.look_up(name)

    def begin(self, batch: DeskBatch, pin: Pin) -> None:
        """Check the operator's PIN on the operator's card and begin the run, which keeps it.

        Raises PinIncorrect, PinLocked, CardMissing, CardFault, PageExpired or DeskBusy.
        """
        if batch.is_running:
            raise PageExpired("This batch is being worked on already. Open its page again.")
        if not self._running.acquire(blocking=False):
            raise DeskBusy("This desk is working on another card. Wait until that is finished.")
        try:
            self._sign(batch, pin, _PROBE)
        except BaseException:
            self._running.release()
            raise
        batch.is_running, batch.stopped = True, ""
        threading.Thread(target=self._run, args=(batch, pin), name="batch", daemon=True).start()

    def _sign(self, batch: DeskBatch, pin: Pin, data: bytes) -> None:
        """Prove the PIN with the authentication key, whose signatures approve nothing."""
        operator = operator_card(self._views.cards_in_readers(), batch.link.operator)
        signed_by(self._processes, operator, pin, Purpose.AUTHENTICATION, data)

    def _run(self, batch: DeskBatch, pin: Pin) -> None:
        """The thread. Never raises: the batch says why it stopped."""
        try:
            with pin:
                self._cards(batch, pin)
        except CardAgentError as error:
            batch.stopped = str(error)
        except Exception as error:  # a thread's outermost frame
            batch.stopped = f"The card agent failed ({type(error).__name__}). Nothing is lost: go on."
        finally:
            batch.is_running, batch.holder, batch.wants, batch.turn = False, "", "", None
            self._running.release()
            self._processes.end()
            batch.link.connection.close()

    def _cards(self, batch: DeskBatch, pin: Pin) -> None:
        until = self._clock() + PIN_LASTS
        for _ in range(MOST_CARDS):
            if self._clock() > until:
                break
            if not self._one_card(batch, pin):
                batch.is_finished = True
                return
        batch.stopped = PIN_IS_OVER

    def _one_card(self, batch: DeskBatch, pin: Pin) -> bool:
        """Make the next card; False when there is none."""
        following = batch.link.next()
        batch.ended, batch.total = following.ended, following.total
        if following.claimed is None:
            return False
        batch.holder = following.claimed.job.holder.name
        serial = self._blank_card(batch, following.claimed)
        holder_pin = self._holder_pin(batch, following.claimed)
        if holder_pin is None:
            batch.link.pass_over()
            return True
        plan = self._plan(batch, following.claimed, serial, pin, holder_pin)
        progress = Progress(self._clock, IssueStep)
        CardIssue(following.claimed, plan, self._processes, progress, self._so_pins).run()
        if progress.failure:
            raise WrongCard(f"The card of {batch.holder} is not made: {progress.failure}")
        batch.made = serial, batch.holder
        return True

    def _blank_card(self, batch: DeskBatch, claimed: ClaimedJob) -> str:
        """The serial of the card to issue, once it lies in a reader. Raises CardMissing."""
        until = time.monotonic() + _BLANK_WITHIN.total_seconds()
        while time.monotonic() < until:
            cards = self._views.cards_in_readers()
            try:
                serial = card_to_issue(cards, claimed.job).serial
            except (CardMissing, WrongCard) as missing:
                batch.wants = _take_out_what_is_made(batch, cards) or str(missing)
                time.sleep(_LOOK_EVERY_SECONDS)
            else:
                batch.wants = ""
                return serial
        raise CardMissing(NO_BLANK)

    def _holder_pin(self, batch: DeskBatch, claimed: ClaimedJob) -> Pin | None:
        """The card's PIN: at random, or as its holder chooses it; None when the holder is not there."""
        if claimed.job.is_locked:
            return random_pin(claimed.job.pin_policy.maximum)
        batch.turn = turn = HolderTurn(claimed.job)
        try:
            return turn.wait()
        finally:
            batch.turn = None

    def _plan(
        self, batch: DeskBatch, claimed: ClaimedJob, serial: str, pin: Pin, holder_pin: Pin
    ) -> IssuePlan:
        approval = None
        if claimed.job.needs_approval:
            operator = operator_card(self._views.cards_in_readers(), batch.link.operator)
            approval = signed_approval(claimed, serial, operator, pin, self._processes, self._clock())
        return IssuePlan(serial, holder_pin, approval)


def _take_out_what_is_made(batch: DeskBatch, cards: Sequence[CardView]) -> str:
    """What to do next while the card that was made last still lies in a reader; empty when it does not."""
    serial, holder = batch.made
    if all(each.serial != serial for each in cards):
        return ""
    return f"The card of {holder} is made: take it out and insert a blank card."
