"""Exporting a card's SO PIN at the desk, in steps. Each says what is left when the next one fails.

1. sign         two RA managers' cards sign in turn: which card, why, and to which desk's key
2. release      this page shows the SO PIN once; the site knows from now on that people have seen it
3. keep next    the card is back, and another SO PIN is in escrow beside the one that was shown
4. change       the card takes it; what was shown is worth nothing
5. report       the site ends the job

Between 2 and 3 may lie days. What was shown is typed again for step 4, because nothing is kept here; a card
that does not come back ends the job without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum

from card_agent import card_operations
from card_agent.card_job import CardJob
from card_agent.card_views import CardView
from card_agent.errors import CardMissing, SoPinRefused
from card_agent.job_kind import Cards, JobAtDesk, JobTitles, Run, card_with_serial, pin_of
from card_agent.pages import Problem, pin_problem
from card_agent.pin import Pin
from card_agent.progress import Progress, Step
from card_agent.so_pin_release import (
    can_change,
    new_next,
    released,
    sign_release,
    signatures_missing,
    signers_card,
)

_SIGNER_PIN, _SO_PIN, _WHY, _WHAT = "signer_pin", "so_pin", "why", "what"
_CHANGE = "change"
_SHORTEST_REASON = 10
_GROUP = 4


class ExportStep(StrEnum):
    """The steps of an export, in order. The value is the name in reports to the site."""

    RELEASE = "release"
    KEEP_NEXT = "keep_next"
    CHANGE = "change"
    REPORT = "report"

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""
        return _SENTENCES[self]


_SENTENCES = {
    ExportStep.RELEASE: "Get the SO PIN from the certificate authority",
    ExportStep.KEEP_NEXT: "Later: put another SO PIN in escrow",
    ExportStep.CHANGE: "Later: give it to the card",
    ExportStep.REPORT: "Later: report to the site that the export is over",
}


class ExportingAtDesk:
    """The kind ``export``."""

    titles = JobTitles(
        form="Export the SO PIN of the card of {name}",
        running="Exporting the SO PIN of the card of {name}",
        done="The SO PIN of the card of {name}",
        failed="This is not finished yet",
        outcome="This export is over, and the site knows how it ended.",
        goes_on="Go on when the card is back",
    )
    steps: Sequence[Step] = tuple(ExportStep)
    form_template = "export_form.html"

    def cards(self, job: CardJob, in_readers: Sequence[CardView]) -> Cards:
        """Return the card that signs next; once the SO PIN was shown, the card itself if it is there."""
        if not is_exported(job):
            return {"signer": signers_card(job, in_readers)}
        with suppress(CardMissing):
            return {"target": card_with_serial(in_readers, job.card_serial, "the card")}
        return {}

    def problems(self, job: CardJob, form: Mapping[str, str]) -> list[Problem]:
        """Return what is wrong with the form as typed."""
        if not is_exported(job):
            found = pin_problem(form.get(_SIGNER_PIN, ""), _SIGNER_PIN)
        elif form.get(_WHAT) == _CHANGE:
            is_typed = _typed(form)
            found = None if is_typed else Problem(_SO_PIN, "Enter the SO PIN that the card has now.")
        else:
            is_said = len(form.get(_WHY, "").strip()) >= _SHORTEST_REASON
            found = (
                None if is_said else Problem(_WHY, "Say in 10 characters or more why it keeps its SO PIN.")
            )
        return [found] if found else []

    def is_exported(self, job: CardJob) -> bool:
        """Say whether people have seen the SO PIN, for the form."""
        return is_exported(job)

    def can_change(self, job: CardJob) -> bool:
        """Say whether cards of this kind take another SO PIN, for the form."""
        return can_change(job)

    def signatures_missing(self, job: CardJob) -> int:
        """Return how many signatures are still needed, for the form."""
        return signatures_missing(job)

    def begin(self, at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run | None:
        """Sign as the first, sign as the second and show it, or end the export."""
        if is_exported(at_desk.job):
            return _ending(at_desk, cards, form)
        missing = signatures_missing(at_desk.job)
        if missing:
            with Pin(form[_SIGNER_PIN]) as pin, pin_of(_SIGNER_PIN):
                sign_release(at_desk, cards["signer"], pin)
        return None if missing > 1 else _shown_once(at_desk)


# The next SO PIN of a run that was cut off was in this desk's memory alone; the site has it in escrow.
_HAS_ANOTHER = (
    "The card did not take this SO PIN. Look whether it was typed right. If a change was cut off before, the "
    "card has its next SO PIN already: end this export, saying so, and begin another, which shows both."
)


def is_exported(job: CardJob) -> bool:
    """Say whether people have seen the SO PIN."""
    return job.message.get("exported") is True


def _typed(form: Mapping[str, str]) -> str:
    return "".join(form.get(_SO_PIN, "").split())


def _shown_once(at_desk: JobAtDesk) -> Run:
    """Step 2."""

    def run(progress: Progress) -> None:
        with progress.doing(ExportStep.RELEASE), released(at_desk) as has:
            progress.show_once(*(_grouped(so_pin.reveal()) for so_pin in has.so_pins))

    return run


def _grouped(so_pin: str) -> str:
    return " ".join(so_pin[at : at + _GROUP] for at in range(0, len(so_pin), _GROUP))


def _ending(at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run:
    """Steps 3 to 5, or step 5 alone."""
    if form.get(_WHAT) == _CHANGE:
        if "target" not in cards:
            raise CardMissing(f"Insert card {at_desk.job.card_serial} into a reader.")
        present, reason = Pin(_typed(form)), ""
    else:
        present, reason = None, form[_WHY].strip()[:200]

    def run(progress: Progress) -> None:
        progress.skip(ExportStep.RELEASE)
        if present is None:
            progress.skip(ExportStep.KEEP_NEXT, ExportStep.CHANGE)
            body = {"so_pin": "kept", "so_pin_reason": reason}
        else:
            with present:
                _change(at_desk, present, progress)
            body = {"so_pin": "changed", "so_pin_reason": "The card has its next SO PIN."}
        with progress.doing(ExportStep.REPORT):
            at_desk.link.step("/export/completion", body)

    return run


def _change(at_desk: JobAtDesk, present: Pin, progress: Progress) -> None:
    job, processes = at_desk.job, at_desk.processes
    with progress.doing(ExportStep.KEEP_NEXT):
        following = new_next(at_desk)
    with following, progress.doing(ExportStep.CHANGE):
        is_agreed = processes.so_last_tries.take_consent(job.card_serial)
        change = card_operations.change_so_pin_at_last_try if is_agreed else card_operations.change_so_pin
        try:
            processes.run(job.card_serial, change, [present, following])
        except SoPinRefused as refused:
            raise SoPinRefused(_HAS_ANOTHER) from refused
