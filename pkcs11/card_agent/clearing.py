"""Clearing a card for reuse at the desk: erase it, list what it holds, erase it again, report.

A run that was killed anywhere is begun again: the site makes the card blank only when the list is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from card_agent import card_operations
from card_agent.card_job import CardJob
from card_agent.card_views import CardView
from card_agent.job_kind import Cards, JobAtDesk, JobTitles, Run, card_with_serial
from card_agent.pages import Problem
from card_agent.pin import random_pin
from card_agent.progress import Progress, Step

# Long enough for every card: 16 hexadecimal digits are what a SmartCard-HSM asks of an SO PIN.
_SO_PIN_DIGITS = 16


class ClearStep(StrEnum):
    """The steps of clearing, in order."""

    ERASE = "erase"
    PROVE = "prove"
    REPORT = "report"

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""
        return _SENTENCES[self]


_SENTENCES = {
    ClearStep.ERASE: "Erase the card: its keys, certificates and PINs",
    ClearStep.PROVE: "List what the card still holds",
    ClearStep.REPORT: "Report to the site that the old keys are gone",
}


class ClearKind:
    """Clears a card that its holder has no more."""

    titles = JobTitles(
        form="Clear the card of {name}",
        running="Clearing the card of {name}",
        done="The card is blank",
        failed="The card is not cleared",
        outcome="The card is blank stock again and can be issued to anybody.",
    )
    steps: Sequence[Step] = tuple(ClearStep)
    form_template = "job_clear.html"

    def cards(self, job: CardJob, in_readers: Sequence[CardView]) -> Cards:
        """Return the card to clear. Raises CardMissing."""
        return {"target": card_with_serial(in_readers, job.card_serial, "the card to clear")}

    def problems(self, job: CardJob, form: Mapping[str, str]) -> list[Problem]:
        """Nothing is typed."""
        return []

    def begin(self, at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run | None:
        """Return the run."""
        serial = cards["target"].serial

        def run(progress: Progress) -> None:
            with progress.doing(ClearStep.ERASE):
                at_desk.processes.run(serial, card_operations.erase)
            with progress.doing(ClearStep.PROVE):
                objects = _objects_left(at_desk, serial)
            with progress.doing(ClearStep.REPORT):
                report = {"objects": objects, "module": at_desk.job.card_profile}
                at_desk.link.step("/cleared", report)

        return run


def _objects_left(at_desk: JobAtDesk, serial: str) -> list[str]:
    """Make the card ready with PINs that nobody knows, list its objects as its holder, erase it again."""
    with random_pin(_SO_PIN_DIGITS) as so_pin, random_pin(at_desk.job.pin_policy.maximum) as pin:
        at_desk.processes.run(serial, card_operations.initialise, [so_pin, pin])
        objects = at_desk.processes.run(serial, card_operations.objects, [pin])
        at_desk.processes.run(serial, card_operations.erase)
    return objects
