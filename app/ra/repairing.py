"""Repairing a card: certificates that are missing or damaged on it are put back from the record.

Nothing is certified anew: the certificates are those in force, and they fit the keys on the card or are not
written. A card whose keys are gone is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.actor import Actor
from app.domain.card import Card, CardMoveNotAllowed, CardStatus
from app.domain.card_job import CardJob, JobAlreadyOpen, JobKind, JobStatus, require_other_than_holder
from app.domain.certificate_order import CertificatePurpose
from app.domain.json_value import JsonValue
from app.domain.permission import Permission
from app.errors import NotFound
from app.ra.card_job_steps import CardJobSteps, begun, done
from app.ra.completing import require_read_back
from app.ra.desk_messages import as_base64
from app.ra.ports import Database, Work
from app.ra.renewing import pair_in_use

_REPAIRABLE = frozenset({CardStatus.ACTIVE, CardStatus.EXPIRING})


class Repairing:
    """Begins repairs, and their one step at the desk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._steps = CardJobSteps(database)

    def begin(self, actor: Actor, card_serial: str) -> str:
        """Begin to repair somebody's card with them and return the job's id; an open one is gone on with.

        Raises:
            NotPermitted, CannotWorkOnOwnCard, NotFound, CardMoveNotAllowed, JobAlreadyOpen
        """
        with self._database.audited(actor, "card_repair.begun", card_serial, card=card_serial) as work:
            actor.require(Permission.ISSUE_CARD)
            card = _require_repairable(work, card_serial)
            assert card.holder_uid is not None
            require_other_than_holder(actor.uid, card.holder_uid)
            job = work.card_jobs.open_of(card.serial, JobKind.REPAIR)
            if job is None:
                job = begun(JobKind.REPAIR, card.holder_uid, card.serial, actor, work.now, {})
                work.card_jobs.add(job)
            elif job.operator_uid != actor.uid:
                raise JobAlreadyOpen(
                    "A colleague is repairing this card. Have it given up to begin your own."
                )
            work.audit.details(job=job.id, uid=job.uid)
            return job.id

    def told(self, work: Work, job: CardJob) -> Mapping[str, JsonValue]:
        """The certificates in force, which belong on the card."""
        pair = pair_in_use(work, job.card_serial or "")
        names = {
            CertificatePurpose.AUTHENTICATION: "authentication",
            CertificatePurpose.CONTENT_COMMITMENT: "content_commitment",
        }
        return {"certificates": {names[purpose]: as_base64(each.der) for purpose, each in pair.items()}}

    def complete(self, job_token: str, job_id: str, *, read_back: Mapping[str, str]) -> None:
        """The card carries its certificates again.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, ReadBackDiffers, CardMoveNotAllowed
        """
        if self._steps.held(job_token, job_id, JobKind.REPAIR).status is JobStatus.DONE:
            return
        with self._steps.step(job_token, job_id, JobKind.REPAIR, "card.repaired") as (work, job):
            card = _require_repairable(work, job.card_serial or "")
            require_read_back(pair_in_use(work, card.serial), read_back)
            work.audit.details(uid=job.uid)
            work.card_jobs.save(done(job, "repaired", work.now))


def _require_repairable(work: Work, card_serial: str) -> Card:
    card = work.cards.get_to_change(card_serial)
    if card is None or card.holder_uid is None:
        raise NotFound("There is no such card.")
    if card.status not in _REPAIRABLE or not pair_in_use(work, card_serial):
        raise CardMoveNotAllowed(
            f"Card {card_serial} is {card.status.value}. Only a card in use is repaired: replace this one."
        )
    return card
