"""Giving a card another SO PIN after somebody, or a computer without network, has seen its present one.

1. begin        the holder, signed in with the card, is told that this is due
2. sign         the holder's own card signs which card, and to which desk's key
3. release      the certificate authority verifies that, and that it gave this card's SO PIN away before
4. keep next    another SO PIN is in escrow beside the present one
5. change       the card takes it; the PIN, keys and certificates stay
6. report       what was seen is worth nothing any more

Killed anywhere, the card has one of the two, both are in escrow, and the job is gone on with.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.actor import Actor
from app.domain.card import Card, CardStatus
from app.domain.card_job import CardJob, JobKind, JobStatus, require_job_status
from app.domain.json_value import JsonValue
from app.domain.so_pin_release import ReleaseBasis, SoPinOutcome
from app.errors import NotFound, Refusal
from app.ra.card_job_steps import CardJobSteps, begun, done
from app.ra.ports import Database, Work
from app.ra.releasing_so_pins import settle_so_pin

_IN_USE = frozenset({CardStatus.ACTIVE, CardStatus.EXPIRING})


class SoPinNotSeen(Refusal):
    """Nobody has seen the card's SO PIN."""

    code = "so_pin_not_seen"


class ChangingSoPins:
    """The kind ``change_so_pin`` of card jobs: the holder's own alone. Any unlocking changes it, too."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._steps = CardJobSteps(database)

    def due(self, uid: str) -> list[str]:
        """The serials of one's cards in use whose SO PIN was seen."""
        with self._database.read() as work:
            return [card.serial for card in work.cards.of(uid) if _is_due(work, card)]

    def begin_own(self, actor: Actor, card_serial: str) -> str:
        """Begin with one's own card and return the job's id; an open one is gone on with.

        Raises:
            NotFound, SoPinNotSeen
        """
        kind = JobKind.CHANGE_SO_PIN
        with self._database.audited(actor, "card_job.begun", actor.uid, kind=kind.value) as work:
            card = work.cards.get_to_change(card_serial)
            if card is None or card.holder_uid != actor.uid:
                raise NotFound("You have no such card.")
            if not _is_due(work, card):
                raise SoPinNotSeen("This card needs no change: nobody has seen what unlocks it.")
            job = work.card_jobs.open_of(card_serial, kind)
            if job is None:
                facts: dict[str, JsonValue] = {"basis": ReleaseBasis.HOLDER.value}
                job = begun(kind, actor.uid, card_serial, None, work.now, facts)
                work.card_jobs.add(job)
            work.audit.details(job=job.id, card=card_serial, basis=ReleaseBasis.HOLDER.value)
            return job.id

    def told(self, work: Work, job: CardJob) -> Mapping[str, JsonValue]:
        """What the desk must know to have the card's SO PIN released."""
        return {"basis": job.facts["basis"], "signed_by": []}

    def complete(self, job_token: str, job_id: str, outcome: SoPinOutcome) -> None:
        """End the job; a card of a kind that keeps its SO PIN goes on being due. Again changes nothing.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder
        """
        if self._steps.held(job_token, job_id, JobKind.CHANGE_SO_PIN).status is JobStatus.DONE:
            return
        with self._steps.step(job_token, job_id, JobKind.CHANGE_SO_PIN, "so_pin.changed") as (work, job):
            require_job_status(job, JobStatus.APPROVED)
            settle_so_pin(work, job, outcome)
            step = "so_pin_changed" if outcome.is_changed else "so_pin_kept"
            work.card_jobs.save(done(job, step, work.now))


def _is_due(work: Work, card: Card) -> bool:
    return card.status in _IN_USE and work.cards.is_so_pin_seen(card.serial)
