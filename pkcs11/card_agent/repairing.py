"""Repairing a card at the desk: certificates that are missing on it are written again beside their keys.

Whatever step fails, the card is as good as before or better, and going on begins again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from enum import StrEnum

from card_agent import card_operations, key_set_operations
from card_agent.card_job import CardJob
from card_agent.card_views import CardView
from card_agent.desk_job import JSON_NAMES, as_bytes, as_table, unreadable
from card_agent.errors import CardFault
from card_agent.job_kind import Cards, JobAtDesk, JobTitles, Run, card_with_serial, pin_of
from card_agent.pages import Problem, pin_problem
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.progress import Progress, Step

_PIN, _TARGET = "holder_pin", "target"


class RepairStep(StrEnum):
    """The steps of a repair, in order. The value is the name in reports to the site."""

    WRITE_CERTIFICATES = "write_certificates"
    READ_BACK = "read_back"

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""
        return _SENTENCES[self]


_SENTENCES = {
    RepairStep.WRITE_CERTIFICATES: "Write the certificates beside their keys",
    RepairStep.READ_BACK: "Read them back and report it to the site",
}


class RepairCard:
    """The kind ``repair`` of card jobs."""

    titles = JobTitles(
        form="Repair the card of {name}",
        running="The card of {name} is being repaired",
        done="The card of {name} is repaired",
        failed="The card of {name} is not repaired",
        outcome="The card carries its certificates again and works as before.",
    )
    steps: Sequence[Step] = tuple(RepairStep)
    form_template = "repair_form.html"

    def cards(self, job: CardJob, in_readers: Sequence[CardView]) -> Cards:
        """Return the card to repair."""
        return {_TARGET: card_with_serial(in_readers, job.card_serial, job.holder.name)}

    def problems(self, job: CardJob, form: Mapping[str, str]) -> list[Problem]:
        """Return what need not be tried on the card, so that no try is lost."""
        problem = pin_problem(form.get(_PIN, ""), _PIN)
        return [problem] if problem else []

    def begin(self, at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run:
        """Check the PIN; the run writes the certificates."""
        pin, serial = Pin(form[_PIN]), cards[_TARGET].serial
        certificates = _certificates_from_untrusted(at_desk.job)
        with pin_of(_PIN):
            at_desk.processes.run(serial, card_operations.enter, [pin])

        def run(progress: Progress) -> None:
            with pin:
                _repair(at_desk, serial, pin, certificates, progress)

        return run


def _repair(
    at_desk: JobAtDesk, serial: str, pin: Pin, certificates: Mapping[Purpose, bytes], progress: Progress
) -> None:
    steps = at_desk.processes.steps(serial, key_set_operations.repair, [pin], certificates)
    with closing(steps) as answers:
        with progress.doing(RepairStep.WRITE_CERTIFICATES):
            next(answers)
        with progress.doing(RepairStep.READ_BACK):
            (on_card,) = answers
            at_desk.link.step("/repair-completion", {"read_back": _digests(certificates, on_card)})


def _digests(written: Mapping[Purpose, bytes], on_card: Mapping[Purpose, bytes]) -> dict[str, str]:
    if dict(on_card) != dict(written):
        raise CardFault("The card did not keep its certificates. Go on once, then have the card replaced.")
    return {name: hashlib.sha256(on_card[each]).hexdigest() for each, name in JSON_NAMES.items()}


def _certificates_from_untrusted(job: CardJob) -> dict[Purpose, bytes]:
    try:
        table = as_table(job.message["certificates"])
        return {purpose: as_bytes(table[name]) for purpose, name in JSON_NAMES.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable() from error
