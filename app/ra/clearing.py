"""Clearing a card for reuse: its certificates are revoked, its keys erased, and that is proved at the desk.

1. begin       every certificate of the card is revoked; the card is as it was
2. release     a card of plastic is erased with its SO PIN, for which the operator's card signs
               (``releasing_so_pins.py``)
3. at the desk the card is erased, gets the SO PIN of a blank one, and its objects are listed
4. finish      the desk reports the list, and an empty one alone makes the card blank stock again

Killed anywhere before 4, the card stays cancelled or expired, and the job is gone on with: erasing again does
no harm. That the keys are gone is what the card's own module says; it is recorded as that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domain.actor import Actor
from app.domain.card import Card, require_may_give, require_move
from app.domain.card_job import CardJob, JobKind, JobStatus, require_job_status
from app.domain.card_move import BY_VERB
from app.domain.certificate import CertificateStatus
from app.domain.json_value import JsonValue
from app.domain.so_pin_release import ReleaseBasis
from app.errors import NotFound, Refusal
from app.ra.card_job_steps import CardJobSteps, actor_of, begun, done
from app.ra.moving_cards import MoveAsked, carry_out
from app.ra.ports import Database, Work
from app.ra.revoking import revoke_certificates

CLEAR = BY_VERB["clear"]


class CardNotEmpty(Refusal):
    """The card still holds something, or could still be believed."""

    code = "card_not_empty"


class Clearing:
    """Clears cards for reuse."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._steps = CardJobSteps(database)

    def begin(self, actor: Actor, card_serial: str) -> str:
        """Revoke what is left of the card's certificates and begin the job at the desk; the job's id.

        Raises:
            NotPermitted, NotFound, CardMoveNotAllowed, JobAlreadyOpen
        """
        with self._database.read() as work:
            found = work.cards.get(card_serial)
        subject = (found.holder_uid if found else None) or card_serial
        with self._database.audited(
            actor, "card_job.begun", subject, kind=JobKind.CLEAR.value, card=card_serial
        ) as work:
            card = _to_change(work, card_serial)
            require_may_give(actor, CLEAR, card.holder_uid)
            require_move(card, CLEAR)
            assert card.holder_uid is not None
            certificates = work.certificates.of_card(card_serial)
            revoked = revoke_certificates(work, certificates, "cleared")
            facts: dict[str, JsonValue] = {"basis": ReleaseBasis.OPERATOR.value}
            job = begun(JobKind.CLEAR, card.holder_uid, card_serial, actor, work.now, facts)
            work.card_jobs.add(job)
            work.audit.details(job=job.id, certificates=revoked)
            return job.id

    def told(self, work: Work, job: CardJob) -> Mapping[str, JsonValue]:
        """What the desk must know to have the card's SO PIN released."""
        return {"basis": job.facts["basis"], "signed_by": []}

    def finish(self, job_token: str, job_id: str, *, objects: Sequence[str], module: str) -> None:
        """The card was erased; ``objects`` are those that its module still lists, and must be none.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, CardNotEmpty, CardMoveNotAllowed
        """
        if self._steps.held(job_token, job_id, JobKind.CLEAR).status is JobStatus.DONE:
            return
        with self._steps.step(job_token, job_id, JobKind.CLEAR, "card.cleared") as (work, job):
            require_job_status(job, JobStatus.BEGUN, JobStatus.APPROVED)
            assert job.card_serial is not None
            card = _to_change(work, job.card_serial)
            work.audit.details(before=card.status.value, objects=list(objects), module=module)
            require_move(card, CLEAR)
            _require_nothing_left(work, card, objects)
            carry_out(work, actor_of(job), card, CLEAR, MoveAsked())
            work.card_jobs.save(done(job, "cleared", work.now))


def _to_change(work: Work, card_serial: str) -> Card:
    card = work.cards.get_to_change(card_serial)
    if card is None:
        raise NotFound(f"There is no card {card_serial}.")
    return card


def _require_nothing_left(work: Work, card: Card, objects: Sequence[str]) -> None:
    if objects:
        raise CardNotEmpty(
            f"The card still holds {', '.join(objects[:5])}. Go on once; if they stay, destroy the card."
        )
    certificates = work.certificates.of_card(card.serial)
    if any(each.status is not CertificateStatus.REVOKED for each in certificates):
        raise CardNotEmpty("A certificate of this card is not revoked. Give this up and begin again.")
