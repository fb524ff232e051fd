"""What every kind of card job does in one way: who acts, one audited step, and how a job ends.

A kind's use case (a file of its own: ``unlocking.py`` ...) holds a ``CardJobSteps`` and writes each of its
steps as::

    with self._steps.step(job_token, job_id, JobKind.UNLOCK, "card.unlocked") as (work, job):
        ...
        work.card_jobs.save(done(job, "unlocked", work.now))
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from app.domain.actor import Actor
from app.domain.card_job import CardJob, JobKind, JobStatus, JobStepOutOfOrder, require_open
from app.domain.desk_record import JobStep, hash_of, require_held, with_step
from app.domain.json_value import JsonValue
from app.ra.desk_access import STRANGER
from app.ra.ids import new_record_id
from app.ra.ports import Database, Work


class CardJobKind(Protocol):
    """What a kind adds to the job that a desk is told. The table is in ``bootstrap/cards.py``."""

    def told(self, work: Work, job: CardJob) -> Mapping[str, JsonValue]:
        """What the desk must know besides what every job tells; JSON."""


CardJobKinds = Mapping[JobKind, CardJobKind]


def begun(
    kind: JobKind,
    uid: str,
    card_serial: str,
    operator: Actor | None,
    now: datetime,
    facts: Mapping[str, JsonValue],
) -> CardJob:
    """A new job. ``operator`` is None for the holder's own."""
    return CardJob(
        id=new_record_id(),
        kind=kind,
        uid=uid,
        card_serial=card_serial,
        status=JobStatus.BEGUN,
        operator_uid=operator.uid if operator else None,
        operator_role_profile=operator.role_profile_id if operator else None,
        begun_at=now,
        steps=(JobStep("begun", now, "done"),),
        facts=facts,
    )


def approved(job: CardJob, step: str, now: datetime) -> CardJob:
    """The job with everybody's signature that it needs."""
    return replace(with_step(job, step, now), status=JobStatus.APPROVED)


def done(job: CardJob, step: str, now: datetime) -> CardJob:
    """The job as it ends well. The job token stays, so that the last call may be sent again."""
    return replace(with_step(job, step, now), status=JobStatus.DONE, finished_at=now)


def undone(job: CardJob, reason: str, now: datetime) -> CardJob:
    """The job given up: no desk goes on with it."""
    step = JobStep("undone", now, "done", reason[:500])
    return replace(
        job,
        status=JobStatus.UNDONE,
        finished_at=now,
        ticket_hash=None,
        job_token_hash=None,
        steps=(*job.steps, step),
    )


def actor_of(job: CardJob) -> Actor:
    """The desk acts for the operator who began the job, or for the card's holder."""
    if job.operator_uid is None:
        return Actor(job.uid, "the holder's desk")
    return Actor(job.operator_uid, "the operator's desk", role_profile_id=job.operator_role_profile)


class CardJobSteps:
    """The steps of jobs at desks, known by their job token."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def step(
        self, job_token: str, job_id: str, kind: JobKind | Collection[JobKind], event: str
    ) -> Iterator[tuple[Work, CardJob]]:
        """One transaction and one audit event: the open job of such a kind, locked, whose job token this is.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder
        """
        actor, holder = self._of_job(job_token, job_id)
        with self._database.audited(actor, event, holder, job=job_id) as work:
            job = _of_kind(require_held(work.card_jobs.get_to_change(job_id), job_token, work.now), kind)
            require_open(job)
            work.audit.details(card=job.card_serial)
            yield work, job

    def held(self, job_token: str, job_id: str, kind: JobKind | Collection[JobKind]) -> CardJob:
        """The job, to see whether a step was done already.

        Raises:
            JobTokenNotValid, JobStepOutOfOrder
        """
        with self._database.read() as work:
            return _of_kind(require_held(work.card_jobs.get(job_id), job_token, work.now), kind)

    def _of_job(self, job_token: str, job_id: str) -> tuple[Actor, str]:
        with self._database.read() as work:
            job = work.card_jobs.get(job_id)
        if job is None or job.job_token_hash != hash_of(job_token):
            return STRANGER, job_id
        return actor_of(job), job.uid


def _of_kind(job: CardJob, kind: JobKind | Collection[JobKind]) -> CardJob:
    """A job token opens the steps of its own job's kind alone."""
    if job.kind not in ((kind,) if isinstance(kind, JobKind) else kind):
        raise JobStepOutOfOrder(f"This job is another one ({job.kind.value}). Open the desk from its page.")
    return job
