"""Unlocking a card at the desk, in numbered steps. Each says what is left behind when the next one fails.

1. sign the release          one or two colleagues' cards sign for which card and to which desk's key
2. release                   the site has the card's SO PIN wrapped to this desk's key; nothing is changed
3. keep the next SO PIN      another one is in escrow beside it; the card has the first
4. set the new PIN           the card takes the holder's new PIN; all tries are left again
5. change the SO PIN         the card takes the other one; the site keeps both until it hears of it
6. prove                     the card signs with the new PIN; the site ends the job and knows the SO PIN

Doing it again from step 1 does no harm: the PIN is set again, and a change of the SO PIN that was cut off is
finished. Steps 3 and 5 are left out for kinds of cards that keep their SO PIN. The key that the SO PIN is
wrapped to is made for one job and lives in memory only; so do the SO PINs, and only between steps 2 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum

from card_agent import card_operations
from card_agent.card_job import CardJob
from card_agent.card_views import CardView
from card_agent.desk_job import as_bytes, as_text, unreadable
from card_agent.errors import CardFault
from card_agent.job_client import as_base64
from card_agent.job_kind import Cards, JobAtDesk, JobTitles, Run, card_with_serial, pin_of
from card_agent.pages import Problem, new_pin_problem, pin_problem
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.progress import Progress, Step
from card_agent.so_pin_release import (
    Released,
    can_change,
    changed,
    is_offline,
    kept_next,
    recipient_octets,
    released,
    sign_release,
    signatures_missing,
    signers_card,
)
from card_agent.waiting_pin import NEW_PIN, REPEATED_PIN

_PROOF_PREFIX = b"spine-ra/card-unlocked/1:"
_SIGNER_PIN = "signer_pin"


class UnlockStep(StrEnum):
    """The steps of a run. The value is the name in reports to the site."""

    RELEASE = "release"
    KEEP_NEXT = "keep_next"
    SET_PIN = "set_pin"
    CHANGE_SO_PIN = "change_so_pin"
    PROVE = "prove"

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""
        return _SENTENCES[self]


_SENTENCES = {
    UnlockStep.RELEASE: "Get what unlocks this one card from the certificate authority",
    UnlockStep.KEEP_NEXT: "Put in escrow what will unlock it the next time",
    UnlockStep.SET_PIN: "Set the new PIN on the card",
    UnlockStep.CHANGE_SO_PIN: "Change what unlocks the card",
    UnlockStep.PROVE: "Prove that the card works with the new PIN",
}


class UnlockingAtDesk:
    """The kind ``unlock``."""

    titles = JobTitles(
        form="Unlock the card of {name}",
        running="Unlocking the card of {name}",
        done="The card is unlocked",
        failed="The card is not unlocked yet",
        outcome="The card of {name} works with the new PIN, which is known to the holder alone.",
    )
    steps: Sequence[Step] = tuple(UnlockStep)
    form_template = "unlock_form.html"

    def cards(self, job: CardJob, in_readers: Sequence[CardView]) -> Cards:
        """Return the card to unlock, and the card that signs next, if one must."""
        cards = {}
        if not is_offline(job):
            whose = f"the card of {job.holder.name}"
            cards["target"] = card_with_serial(in_readers, job.card_serial, whose)
        if signatures_missing(job):
            cards["signer"] = signers_card(job, in_readers)
        return cards

    def problems(self, job: CardJob, form: Mapping[str, str]) -> list[Problem]:
        """Return what is wrong with the PINs as typed."""
        found = []
        if signatures_missing(job):
            found.append(pin_problem(form.get(_SIGNER_PIN, ""), _SIGNER_PIN))
        if signatures_missing(job) <= 1 and not is_offline(job):
            found.append(new_pin_problem(job.pin_policy, job.holder.uid, form, NEW_PIN, REPEATED_PIN))
        return [problem for problem in found if problem]

    def is_offline(self, job: CardJob) -> bool:
        """Say whether the card lies elsewhere, for the form."""
        return is_offline(job)

    def signatures_missing(self, job: CardJob) -> int:
        """Return how many signatures the release still needs, for the form."""
        return signatures_missing(job)

    def begin(self, at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run | None:
        """Sign the release when a signature is missing; return the run once there are all."""
        missing = signatures_missing(at_desk.job)
        if missing:
            with Pin(form[_SIGNER_PIN]) as pin, pin_of(_SIGNER_PIN):
                sign_release(at_desk, cards["signer"], pin)
        if missing > 1:
            return None
        if is_offline(at_desk.job):
            return _ResponseRun(at_desk)
        return _UnlockRun(at_desk, Pin(form[NEW_PIN]))


class _ResponseRun:
    """Get the response for a computer without network; the page shows it to be read out."""

    def __init__(self, at_desk: JobAtDesk) -> None:
        self._at_desk = at_desk

    def __call__(self, progress: Progress) -> None:
        """Do it. Raises CardAgentError."""
        progress.skip(*(step for step in UnlockStep if step is not UnlockStep.RELEASE))
        with progress.doing(UnlockStep.RELEASE):
            body = {"recipient_key": as_base64(recipient_octets(self._at_desk))}
            answer = self._at_desk.link.step("/so-pin/release", body)
            try:
                responses = answer["so_pins"]
                if not isinstance(responses, list):
                    raise TypeError("not a list")
                progress.result = as_bytes(responses[0]).decode()
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise CardFault("The response arrived damaged. Begin again on the site.") from error


class _UnlockRun:
    """Steps 2 to 6."""

    def __init__(self, at_desk: JobAtDesk, new_pin: Pin) -> None:
        self._at_desk = at_desk
        self._new_pin = new_pin

    def __call__(self, progress: Progress) -> None:
        """Do them. Raises CardAgentError."""
        with self._new_pin, ExitStack() as in_memory:
            with progress.doing(UnlockStep.RELEASE):
                has = in_memory.enter_context(released(self._at_desk))
            so_pin, reason = self._unlocked(progress, has)
            in_memory.close()
            with progress.doing(UnlockStep.PROVE):
                self._prove(so_pin, reason)

    def _unlocked(self, progress: Progress, has: Released) -> tuple[str, str]:
        """Steps 3 to 5; what became of the SO PIN, and why."""
        if not can_change(self._at_desk.job):
            progress.skip(UnlockStep.KEEP_NEXT, UnlockStep.CHANGE_SO_PIN)
            self._set_pin(progress, has)
            return "kept", "Cards of this kind keep their SO PIN."
        with progress.doing(UnlockStep.KEEP_NEXT):
            following = kept_next(self._at_desk, has)
        with following:
            present = self._set_pin(progress, has)
            with progress.doing(UnlockStep.CHANGE_SO_PIN):
                return changed(self._at_desk, present, following)

    def _set_pin(self, progress: Progress, has: Released) -> Pin:
        """Set the new PIN; which SO PIN was the card's."""
        serial, processes = self._at_desk.job.card_serial, self._at_desk.processes
        with progress.doing(UnlockStep.SET_PIN):
            # The last try of the SO PIN is used only once somebody has agreed.
            is_agreed = processes.so_last_tries.take_consent(serial)
            unblock = card_operations.unblock_at_last_try if is_agreed else card_operations.unblock
            number: int = processes.run(serial, unblock, [self._new_pin, *has.so_pins])
        return has.so_pins[number]

    def _prove(self, so_pin: str, reason: str) -> None:
        at_desk = self._at_desk
        try:
            text = _PROOF_PREFIX + as_text(at_desk.job.message["proof_nonce"]).encode()
        except (KeyError, TypeError) as error:
            raise unreadable() from error
        signing = (card_operations.sign, [self._new_pin], Purpose.AUTHENTICATION, text)
        proof = at_desk.processes.run(at_desk.job.card_serial, *signing)
        body = {"proof": as_base64(proof), "so_pin": so_pin, "so_pin_reason": reason}
        at_desk.link.step("/unlock/completion", body)
