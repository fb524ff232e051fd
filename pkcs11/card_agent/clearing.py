"""Clearing a card for reuse at the desk, in steps. Each says what is left when the next one fails.

1. sign the release    the operator's card signs that this card is erased at this desk
2. release             the site has the card's SO PIN wrapped to this desk's key; nothing is changed
3. erase               no keys, no certificates; the card has the SO PIN of a blank one
4. list                what its module still shows to its holder
5. report              the site makes the card blank stock only when the list is empty

Begun again anywhere, it does no harm. A card in software is erased without its SO PIN: steps 1 and 2 are left
out. Its PIN for step 4 is random, and nobody knows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum

import cryptoki
from card_agent import card_operations
from card_agent.card_job import CardJob
from card_agent.card_views import CardView
from card_agent.errors import WrongCard
from card_agent.job_kind import Cards, JobAtDesk, JobTitles, Run, card_with_serial, pin_of
from card_agent.pages import Problem, pin_problem
from card_agent.pin import Pin, random_pin
from card_agent.progress import Progress, Step
from card_agent.so_pin_release import released, sign_release, signers_card

_SIGNER_PIN = "signer_pin"


class ClearStep(StrEnum):
    """The steps of clearing, in order."""

    RELEASE = "release"
    ERASE = "erase"
    REPORT = "report"

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""
        return _SENTENCES[self]


_SENTENCES = {
    ClearStep.RELEASE: "Get what erases this one card from the certificate authority",
    ClearStep.ERASE: "Erase the card, and list what it still holds",
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
        """Return the card to clear, and the operator's where it is needed. Raises CardMissing, WrongCard."""
        _require_clearable(job)
        target = card_with_serial(in_readers, job.card_serial, "the card to clear")
        return (
            {"target": target, "signer": signers_card(job, in_readers)}
            if needs_so_pin(job)
            else {"target": target}
        )

    def problems(self, job: CardJob, form: Mapping[str, str]) -> list[Problem]:
        """Return what is wrong with the operator's PIN as typed."""
        found = pin_problem(form.get(_SIGNER_PIN, ""), _SIGNER_PIN) if needs_so_pin(job) else None
        return [found] if found else []

    def begin(self, at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run | None:
        """Sign the release where the card is erased with its SO PIN; return the run."""
        if "signer" in cards:
            with Pin(form[_SIGNER_PIN]) as pin, pin_of(_SIGNER_PIN):
                sign_release(at_desk, cards["signer"], pin)

        def run(progress: Progress) -> None:
            objects = _cleared(at_desk, progress)
            with progress.doing(ClearStep.REPORT):
                at_desk.link.step("/cleared", {"objects": objects, "module": at_desk.job.card_profile})

        return run


def needs_so_pin(job: CardJob) -> bool:
    """Say whether cards of this kind are erased with their SO PIN."""
    profile = cryptoki.load_card_profiles().get(job.card_profile)
    return profile is not None and profile.in_reader


def _require_clearable(job: CardJob) -> None:
    """A card in software is erased by its desk; any other one by its module, where that can."""
    profile = cryptoki.load_card_profiles().get(job.card_profile)
    if profile is None or not (profile.blank_so_pin or profile.name == "softhsm"):
        kind = profile.description if profile else job.card_profile
        raise WrongCard(
            f"Cards of this kind ({kind}) cannot be erased at a desk. Give this up on the site, have the "
            "card destroyed before a witness, and say so on its page."
        )


def _cleared(at_desk: JobAtDesk, progress: Progress) -> list[str]:
    job, processes = at_desk.job, at_desk.processes
    with ExitStack() as in_memory:
        so_pins: Sequence[Pin] = ()
        if needs_so_pin(job):
            with progress.doing(ClearStep.RELEASE):
                so_pins = in_memory.enter_context(released(at_desk)).so_pins
        else:
            progress.skip(ClearStep.RELEASE)
        with progress.doing(ClearStep.ERASE), random_pin(job.pin_policy.maximum) as pin:
            is_agreed = processes.so_last_tries.take_consent(job.card_serial)
            clear = card_operations.clear_at_last_try if is_agreed else card_operations.clear
            left: list[str] = processes.run(job.card_serial, clear, [pin, *so_pins])
    return left
