"""Giving one's own card another SO PIN at the desk, in steps. Each says what is left when the next one fails.

1. sign         the card itself signs, with its holder's PIN, that its SO PIN is released to this desk
2. release      the site has the SO PIN wrapped to this desk's key; nothing is changed
3. keep next    another one is in escrow beside it
4. change       the card takes it; PIN, keys and certificates stay
5. report       the site knows which one the card has

Begun again anywhere, it does no harm: a change that was cut off is finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from enum import StrEnum

from card_agent.card_job import CardJob
from card_agent.card_views import CardView
from card_agent.errors import CardFault
from card_agent.job_kind import Cards, JobAtDesk, JobTitles, Run, card_with_serial, pin_of
from card_agent.pages import Problem, pin_problem
from card_agent.pin import Pin
from card_agent.progress import Progress, Step
from card_agent.so_pin_release import (
    Released,
    can_change,
    changed,
    changed_again,
    kept_next,
    released,
    sign_release,
)

_PIN = "holder_pin"


class ChangeStep(StrEnum):
    """The steps of the change, in order. The value is the name in reports to the site."""

    RELEASE = "release"
    KEEP_NEXT = "keep_next"
    CHANGE = "change"
    REPORT = "report"

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""
        return _SENTENCES[self]


_SENTENCES = {
    ChangeStep.RELEASE: "Get what unlocks this one card from the certificate authority",
    ChangeStep.KEEP_NEXT: "Put in escrow what will unlock it the next time",
    ChangeStep.CHANGE: "Change what unlocks the card",
    ChangeStep.REPORT: "Report to the site what became of it",
}


class ChangeSoPin:
    """The kind ``change_so_pin``."""

    titles = JobTitles(
        form="Change what unlocks the card of {name}",
        running="Changing what unlocks the card of {name}",
        done="This is finished",
        failed="This is not finished yet",
        outcome="The site knows what unlocks the card now. The card works as before, with the same PIN.",
    )
    steps: Sequence[Step] = tuple(ChangeStep)
    form_template = "change_so_pin_form.html"

    def cards(self, job: CardJob, in_readers: Sequence[CardView]) -> Cards:
        """Return the card itself, which signs, too."""
        return {"target": card_with_serial(in_readers, job.card_serial, f"the card of {job.holder.name}")}

    def problems(self, job: CardJob, form: Mapping[str, str]) -> list[Problem]:
        """Return what is wrong with the PIN as typed."""
        found = pin_problem(form.get(_PIN, ""), _PIN)
        return [found] if found else []

    def begin(self, at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run | None:
        """Sign the release with the card itself; return the run."""
        with Pin(form[_PIN]) as pin, pin_of(_PIN):
            sign_release(at_desk, cards["target"], pin)

        def run(progress: Progress) -> None:
            with ExitStack() as in_memory:
                with progress.doing(ChangeStep.RELEASE):
                    has = in_memory.enter_context(released(at_desk))
                so_pin, reason = _changed(at_desk, has, progress)
            with progress.doing(ChangeStep.REPORT):
                body = {"so_pin": so_pin, "so_pin_reason": reason}
                at_desk.link.step("/so-pin/completion", body)

        return run


def _changed(at_desk: JobAtDesk, has: Released, progress: Progress) -> tuple[str, str]:
    """Steps 3 and 4; what became of the SO PIN, and why."""
    if not can_change(at_desk.job):
        progress.skip(ChangeStep.KEEP_NEXT, ChangeStep.CHANGE)
        return "kept", "Cards of this kind keep their SO PIN."
    with progress.doing(ChangeStep.KEEP_NEXT):
        following = kept_next(at_desk, has)
    with following, progress.doing(ChangeStep.CHANGE):
        so_pin, reason = changed(at_desk, has.so_pins[0], following)
        if so_pin == "kept" and has.is_being_changed:
            # A run that was cut off may have changed it already: then the card takes it in place of itself.
            with suppress(CardFault):
                return changed_again(at_desk, following)
        return so_pin, reason
