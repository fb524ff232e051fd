"""What one kind of card job is to the desk. A kind is a class of its own file, in the table of ``__main__``.

The frame (``job_desk``, ``job_pages``) collects the job, shows the kind's form, runs it in a thread and shows
the steps. The kind says which cards it needs, what is wrong with the form, and what a run does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from card_agent.card_job import CardJob
from card_agent.card_process import CardProcesses
from card_agent.card_views import CardView
from card_agent.errors import ABOUT_THE_PIN, CardAgentError, CardMissing
from card_agent.job_client import JobLink
from card_agent.pages import Problem
from card_agent.progress import Progress, Step

Cards = Mapping[str, CardView]
"""The cards that a kind needs, under its own names for them (``operator``, ``target`` ...)."""

Run = Callable[[Progress], None]
"""What is done in the thread. Raises CardAgentError; wraps each step in ``progress.doing``."""


@dataclass(frozen=True)
class JobAtDesk:
    """A collected job with what a run needs: the way to the site, the cards' processes, the clock.

    ``kept`` is what the kind keeps in memory from one form to the next, under its own names.
    """

    link: JobLink
    job: CardJob
    processes: CardProcesses
    clock: Callable[[], datetime]
    kept: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class JobTitles:
    """The headings of a kind's pages; ``{name}`` is the holder's.

    ``goes_on`` is the button with which a run goes on that has steps left for later.
    """

    form: str
    running: str
    done: str
    failed: str
    outcome: str
    goes_on: str = ""


class JobKind(Protocol):
    """One kind of card job."""

    titles: JobTitles
    steps: Sequence[Step]
    form_template: str

    def cards(self, job: CardJob, in_readers: Sequence[CardView]) -> Cards:
        """Return the cards for what comes next. Raises CardMissing or WrongCard with what to insert."""

    def problems(self, job: CardJob, form: Mapping[str, str]) -> list[Problem]:
        """Return what is wrong with the form as typed, before any card is asked."""

    def begin(self, at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run | None:
        """Check PINs and sign what must be signed; return the run, or None when the form comes again.

        Raises FormProblem or CardAgentError.
        """


class FormProblem(CardAgentError):
    """A card refused what was typed into a field."""

    code = "form_problem"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


@contextmanager
def pin_of(field: str) -> Iterator[None]:
    """Point at the field when the card refuses its PIN inside the block. Raises FormProblem."""
    try:
        yield
    except ABOUT_THE_PIN as error:
        raise FormProblem(Problem(field, str(error))) from error


def card_with_serial(in_readers: Sequence[CardView], serial: str, whose: str) -> CardView:
    """Return the card in a reader by its serial. Raises CardMissing."""
    for card in in_readers:
        if card.serial == serial:
            return card
    there = " and ".join(f"{_named(each)} is in {each.place}" for each in in_readers)
    now = f" Now {there}." if there else ""
    raise CardMissing(f"Insert card {serial} ({whose}) into a reader.{now}")


def _named(card: CardView) -> str:
    return f"the card of {card.holder_name}" if card.holder_name else f"card {card.serial}"
