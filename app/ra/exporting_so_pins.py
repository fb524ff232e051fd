"""Exporting a card's SO PIN: for a maker's tool, or when the card agent cannot do what has to be done.

1. begin        an RA manager says why
2. sign         they and a second RA manager sign, each with their own card; neither is the card's holder
3. release      the certificate authority verifies both signatures; the desk shows the SO PIN once
4. take back    when the card is back, it gets another SO PIN, and what people have read is worth nothing

Killed before 3, nobody has seen anything. After 3 the job stays open, so that nobody forgets step 4.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.actor import Actor
from app.domain.card_job import (
    CardJob,
    JobAlreadyOpen,
    JobKind,
    JobStatus,
    JobStepOutOfOrder,
    require_other_than_holder,
)
from app.domain.json_value import JsonValue
from app.domain.permission import Permission
from app.domain.so_pin_release import EXPORTABLE, ReleaseBasis, SoPinOutcome
from app.errors import InvalidInput, NotFound
from app.ra.card_job_steps import CardJobSteps, begun, done, undone
from app.ra.ports import Database, Work
from app.ra.releasing_so_pins import settle_so_pin
from app.ra.signing_releases import reason_of

_SHORTEST_REASON, _LONGEST_REASON = 10, 300


class ExportingSoPins:
    """The kind ``export`` of card jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._steps = CardJobSteps(database)

    def begin(self, actor: Actor, card_serial: str, reason: str) -> str:
        """Begin to export the SO PIN of somebody else's card; the job's id. The actor signs first.

        An export that was begun before, and in which nobody has seen the SO PIN, is given up.

        Raises:
            NotPermitted, CannotWorkOnOwnCard, NotFound, InvalidInput, JobAlreadyOpen
        """
        with self._database.audited(actor, "card_job.begun", card_serial, kind=JobKind.EXPORT.value) as work:
            actor.require(Permission.EXPORT_SO_PIN)
            card = work.cards.get_to_change(card_serial)
            if card is None or card.holder_uid is None or card.status not in EXPORTABLE:
                raise NotFound("There is no such card whose SO PIN could be exported.")
            require_other_than_holder(actor.uid, card.holder_uid)
            said = " ".join(reason.split())
            if not _SHORTEST_REASON <= len(said) <= _LONGEST_REASON:
                raise InvalidInput({"reason": "Say in 10 to 300 characters what the SO PIN is needed for."})
            _give_up_earlier(work, card_serial)
            facts: dict[str, JsonValue] = {"basis": ReleaseBasis.EXPORT.value, "reason": said}
            job = begun(JobKind.EXPORT, card.holder_uid, card_serial, actor, work.now, facts)
            work.card_jobs.add(job)
            work.audit.details(job=job.id, card=card_serial, reason_given=said)
            return job.id

    def told(self, work: Work, job: CardJob) -> Mapping[str, JsonValue]:
        """What the desk must know: why, who signed, and whether somebody has seen the SO PIN already."""
        return {
            "basis": ReleaseBasis.EXPORT.value,
            "reason": reason_of(job),
            "signed_by": [approval.signer_uid for approval in work.card_jobs.approvals(job.id)],
            "exported": _is_exported(job),
        }

    def complete(self, job_token: str, job_id: str, outcome: SoPinOutcome) -> None:
        """End the job: the card has another SO PIN, or does not come back. Again changes nothing.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder
        """
        if self._steps.held(job_token, job_id, JobKind.EXPORT).status is JobStatus.DONE:
            return
        with self._steps.step(job_token, job_id, JobKind.EXPORT, "so_pin.export_ended") as (work, job):
            if not _is_exported(job):
                raise JobStepOutOfOrder("The SO PIN was not exported yet. Open the job again.")
            settle_so_pin(work, job, outcome)
            step = "so_pin_changed" if outcome.is_changed else "so_pin_kept"
            work.card_jobs.save(done(job, step, work.now))


def _is_exported(job: CardJob) -> bool:
    return job.facts.get("exported") is True


def _give_up_earlier(work: Work, card_serial: str) -> None:
    earlier = work.card_jobs.open_of(card_serial, JobKind.EXPORT)
    if earlier is None:
        return
    if _is_exported(earlier):
        raise JobAlreadyOpen(
            "The SO PIN of this card was exported before, and the card has no other one yet. Open that job, "
            "and give the card another SO PIN first."
        )
    work.card_jobs.save(undone(earlier, "begun again", work.now))
