"""How far a run is: every step with its state and times, for the page that shows it as it happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from card_agent.errors import CardAgentError

UNEXPECTED = (
    "The card agent failed in a way it does not know. Nothing is lost: go on, and tell your IT service desk."
)
# Shorter than anybody sees.
_TOGETHER_SECONDS = 0.02


class Step(Protocol):
    """A step of a run. The value is the name in reports to the site."""

    @property
    def value(self) -> str: ...

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""


class IssueStep(StrEnum):
    """The steps of issuing a card, in order. The value is the name in reports to the site."""

    COLLECT = "collect"
    RECORD_INTENTION = "record_intention"
    INITIALISE = "initialise"
    GENERATE_KEYS = "generate_keys"
    REQUEST_CERTIFICATES = "request_certificates"
    CERTIFY = "certify"
    WRITE_CERTIFICATES = "write_certificates"
    READ_BACK = "read_back"
    COMPLETE = "complete"

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""
        return _SENTENCES[self]


_SENTENCES = {
    IssueStep.COLLECT: "Collect the job from the site",
    IssueStep.RECORD_INTENTION: "Send the approval, and record which card will be prepared",
    IssueStep.INITIALISE: "Erase the card and set the new PIN",
    IssueStep.GENERATE_KEYS: "Generate two key pairs on the card",
    IssueStep.REQUEST_CERTIFICATES: "Prove that the card holds the keys",
    IssueStep.CERTIFY: "Get the certificates from the certificate authority",
    IssueStep.WRITE_CERTIFICATES: "Write the certificates on the card",
    IssueStep.READ_BACK: "Read the certificates back and compare them",
    IssueStep.COMPLETE: "Prove that the card works and report it to the site",
}


class StepState(StrEnum):
    """Where a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "done earlier"
    FAILED = "failed"


@dataclass(frozen=True)
class StepSeen:
    """One step as the page shows it. Times are UTC; ``finished_at`` is set when it is done or has failed."""

    step: Step
    state: StepState = StepState.WAITING
    started_at: datetime | None = None
    finished_at: datetime | None = None


class Progress:
    """The steps of one run. Written by the run's thread, read by the pages' threads.

    ``result`` is what the run found out for people to read, if anything; what ``show_once`` was given is
    shown to whoever opens the page next, and never again.
    """

    def __init__(self, clock: Callable[[], datetime], steps: Iterable[Step]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._changes = 0
        self._steps = {step: StepSeen(step) for step in steps}
        self._failure = ""
        self.result = ""
        self._shown_once: list[str] = []
        self._is_over = False

    def steps(self) -> list[StepSeen]:
        """Return every step in order, as it is now."""
        with self._changed:
            return list(self._steps.values())

    @property
    def changes(self) -> int:
        """Return how often anything has changed so far."""
        return self._changes

    def wait_for_change(self, after: int, seconds: float) -> None:
        """Return when there were more changes than ``after``, or when that time is over.

        A step begins as another ends: what changes together is told together, but the end at once.
        """
        with self._changed:
            if self._changed.wait_for(lambda: self._changes > after or self._is_over, seconds):
                self._changed.wait_for(lambda: self._is_over, _TOGETHER_SECONDS)

    @property
    def failure(self) -> str:
        """Return the sentence of the failure, or an empty string."""
        return self._failure

    @property
    def is_over(self) -> bool:
        """Say whether the run has ended, well or not."""
        return self._is_over

    def show_once(self, *lines: str) -> None:
        """Keep what the page shows a single time."""
        with self._changed:
            self._shown_once += lines

    def take_shown_once(self) -> list[str]:
        """Return what is shown once, and forget it."""
        with self._changed:
            shown, self._shown_once = self._shown_once, []
        return shown

    def end(self) -> None:
        """Say that the run has ended."""
        with self._changed:
            self._is_over = True
            self._note_change()

    def did(self, step: Step, at: datetime) -> None:
        """Say that the step was done at that time, before the run."""
        self._set(step, state=StepState.DONE, started_at=at, finished_at=at)

    def skip(self, *steps: Step) -> None:
        """Say that an earlier run did these steps."""
        for step in steps:
            self._set(step, state=StepState.SKIPPED)

    @contextmanager
    def doing(self, step: Step) -> Iterator[None]:
        """Show the step as running while the block runs, then as done or failed."""
        self._set(step, state=StepState.RUNNING, started_at=self._clock())
        try:
            yield
        except Exception as error:
            self._failure = str(error) if isinstance(error, CardAgentError) else UNEXPECTED
            self._set(step, state=StepState.FAILED, finished_at=self._clock())
            raise
        self._set(step, state=StepState.DONE, finished_at=self._clock())

    def failed_step(self) -> Step | None:
        """Return the step that failed, if one did."""
        return next((seen.step for seen in self.steps() if seen.state is StepState.FAILED), None)

    def _set(self, step: Step, **changes: object) -> None:
        with self._changed:
            self._steps[step] = replace(self._steps[step], **changes)  # type: ignore[arg-type]  # typed by callers
            self._note_change()

    def _note_change(self) -> None:
        self._changes += 1
        self._changed.notify_all()
