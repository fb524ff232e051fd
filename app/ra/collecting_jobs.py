"""A desk collects a job with its one-time ticket: an issuance, or a card job of any kind."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from app.domain.card_job import CardJob, require_open
from app.domain.desk_record import (
    claimed,
    hash_of,
    new_secret,
    require_held,
    require_ticket,
    with_failure,
)
from app.domain.json_value import JsonValue
from app.domain.pin_policy import PinPolicy
from app.ra.card_job_steps import CardJobKinds, actor_of
from app.ra.desk_jobs import DeskJobs
from app.ra.ports import Database, Work
from app.ra.records import ClaimedJob
from app.ra.releasing_so_pins import without_earlier_signatures
from app.ra.summaries import Names


class CollectingJobs:
    """Gives desks their jobs, and hears of what failed there."""

    def __init__(
        self, database: Database, issuances: DeskJobs, kinds: CardJobKinds, pin_policy: PinPolicy
    ) -> None:
        self._database = database
        self._issuances = issuances
        self._kinds = kinds
        self._pin_policy = pin_policy

    def claim(self, ticket: str) -> ClaimedJob:
        """Exchange the one-time ticket for the job and a job token; an earlier job token stops working.

        Raises:
            TicketNotValid, JobNotOpen, IssuanceNotOpen, Unavailable
        """
        with self._database.read() as work:
            found = work.card_jobs.of_ticket(hash_of(ticket))
        if found is None:
            return self._issuances.claim(ticket)
        job_token = new_secret()
        with self._audited("card_job.claimed", found) as work:
            job = require_ticket(work.card_jobs.get_to_change(found.id), hash_of(ticket), work.now)
            require_open(job)
            job = without_earlier_signatures(work, job)
            work.card_jobs.save(claimed(job, hash_of(job_token), work.now))
        return ClaimedJob(self.job(job_token, found.id), job_token)

    def job(self, job_token: str, job_id: str) -> Mapping[str, JsonValue]:
        """The job as it stands.

        Raises:
            JobTokenNotValid, Unavailable
        """
        with self._database.read() as work:
            job = work.card_jobs.get(job_id)
            if job is not None:
                return self._told(work, require_held(job, job_token, work.now))
        return self._issuances.job(job_token, job_id)

    def fail(self, job_token: str, job_id: str, *, step: str, reason: str) -> None:
        """Record that a step failed at the desk; the job stays open.

        Raises:
            JobTokenNotValid, JobNotOpen, IssuanceNotOpen
        """
        with self._database.read() as work:
            found = work.card_jobs.get(job_id)
        if found is None:
            self._issuances.fail(job_token, job_id, step=step, reason=reason)
            return
        with self._audited("card_job.step_failed", found, step=step[:60]) as work:
            job = require_held(work.card_jobs.get_to_change(job_id), job_token, work.now)
            require_open(job)
            work.card_jobs.save(with_failure(job, step, reason, work.now))
            work.audit.details(reason_given=reason[:500])

    def _audited(self, event: str, job: CardJob, **details: JsonValue) -> AbstractContextManager[Work]:
        about = {"job": job.id, "kind": job.kind.value, **details}
        return self._database.audited(actor_of(job), event, job.uid, **about)

    def _told(self, work: Work, job: CardJob) -> dict[str, JsonValue]:
        names, card = Names(work, (job.uid, job.operator_uid)), work.cards.get(job.card_serial or "")
        holder = names.person(job.uid)
        operator = names.person(job.operator_uid) if job.operator_uid else None
        return {
            "id": job.id,
            "kind": job.kind.value,
            "state": job.status.value,
            "holder": {"uid": holder.uid, "name": holder.name},
            "operator": {"uid": operator.uid, "name": operator.name} if operator else None,
            "card_serial": job.card_serial,
            "card_profile": card.card_profile if card else None,
            "pin_policy": {"minimum": self._pin_policy.minimum, "maximum": self._pin_policy.maximum},
            **self._kinds[job.kind].told(work, job),
        }
