"""Following a card job at its page: the way to the desk, how far it is, giving it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from app.domain.actor import Actor
from app.domain.card_job import CardJob, JobKind, JobStepOutOfOrder, require_open, require_other_than_holder
from app.domain.desk_record import new_secret, with_ticket
from app.domain.permission import Permission
from app.errors import NotFound, NotPermitted
from app.ra.card_job_steps import undone
from app.ra.ports import Database, Work
from app.ra.records import CardJobRecord
from app.ra.summaries import Names

#: What an operator must be allowed for a job of the kind.
PERMISSIONS: Mapping[JobKind, Permission] = {
    JobKind.UNLOCK: Permission.UNLOCK_CARD,
    JobKind.RENEW: Permission.RENEW_CARD,
    JobKind.REPAIR: Permission.ISSUE_CARD,
    JobKind.CLEAR: Permission.CANCEL_CARD,
    JobKind.EXPORT: Permission.EXPORT_SO_PIN,
    # Nobody begins it for somebody else; whoever may unlock cards sees it, and gives it up.
    JobKind.CHANGE_SO_PIN: Permission.UNLOCK_CARD,
}


@dataclass(frozen=True)
class GivingUp:
    """What a kind of job adds to being given up.

    Attributes:
        why_not: why a job can only be finished now, and what to do; empty when it can be given up. What can
            only be finished, anybody may finish who may do such a job: there is nothing left to approve.
        take_back: what is taken back, in the same transaction.
    """

    why_not: Callable[[Work, CardJob], str]
    take_back: Callable[[Work, CardJob], None]


class FollowingJobs:
    """The page of a card job. ``giving_up`` holds the kinds that leave something to be taken back."""

    def __init__(self, database: Database, giving_up: Mapping[JobKind, GivingUp] | None = None) -> None:
        self._database = database
        self._giving_up = giving_up or {}

    def ticket(self, actor: Actor, job_id: str) -> str:
        """A new one-time ticket, valid for 5 minutes, with which the desk claims the job.

        Only whoever began the job gets one: the operator, or the holder whose own job it is. Of a job that
        can only be finished, the holder and any operator get one too, and it is theirs from then on.

        Raises:
            NotPermitted, NotFound, JobNotOpen
        """
        ticket, found = new_secret(), self._found(job_id)
        with self._database.audited(
            actor, "card_job.ticket_given", found.uid, job=job_id, kind=found.kind.value
        ) as work:
            job = _require(work, job_id)
            if not _is_whose(actor, job) and self._why_not(work, job):
                job = _taken_over(work, job, actor)
            _require_whose_it_is(actor, job)
            require_open(job)
            work.card_jobs.save(with_ticket(job, ticket, work.now))
        return ticket

    def job(self, actor: Actor, job_id: str) -> CardJobRecord:
        """How far the job is.

        Raises:
            NotPermitted, NotFound
        """
        with self._database.read() as work:
            job = work.card_jobs.get(job_id)
            if job is None:
                raise _unknown()
            if actor.uid != job.uid:
                actor.require(PERMISSIONS[job.kind])
            return _record(work, job, self._why_not(work, job))

    def undo(self, actor: Actor, job_id: str, reason: str) -> None:
        """Give an open job up.

        Raises:
            NotPermitted, CannotWorkOnOwnCard, NotFound, JobNotOpen, JobStepOutOfOrder
        """
        found = self._found(job_id)
        with self._database.audited(
            actor, "card_job.undone", found.uid, job=job_id, kind=found.kind.value
        ) as work:
            job = _require(work, job_id)
            if job.operator_uid is not None or actor.uid != job.uid:
                actor.require(PERMISSIONS[job.kind])
                require_other_than_holder(actor.uid, job.uid)
            require_open(job)
            if why_not := self._why_not(work, job):
                raise JobStepOutOfOrder(why_not)
            if job.kind in self._giving_up:
                self._giving_up[job.kind].take_back(work, job)
            work.card_jobs.save(undone(job, reason.strip(), work.now))
            work.audit.details(card=job.card_serial, reason_given=reason.strip()[:500])

    def _why_not(self, work: Work, job: CardJob) -> str:
        if job.kind not in self._giving_up or not job.status.is_open:
            return ""
        return self._giving_up[job.kind].why_not(work, job)

    def _found(self, job_id: str) -> CardJob:
        with self._database.read() as work:
            job = work.card_jobs.get(job_id)
        if job is None:
            raise _unknown()
        return job


def _unknown() -> NotFound:
    return NotFound("There is no such job.")


def _require(work: Work, job_id: str) -> CardJob:
    job = work.card_jobs.get_to_change(job_id)
    if job is None:
        raise _unknown()
    return job


def _is_whose(actor: Actor, job: CardJob) -> bool:
    return actor.uid == (job.operator_uid or job.uid)


def _taken_over(work: Work, job: CardJob, actor: Actor) -> CardJob:
    """The job in other hands: the holder's, or an operator's, who needs permission as any operator does."""
    work.audit.details(taken_over_from=job.operator_uid or job.uid)
    if actor.uid == job.uid:
        return replace(job, operator_uid=None, operator_role_profile=None)
    return replace(job, operator_uid=actor.uid, operator_role_profile=actor.role_profile_id)


def _require_whose_it_is(actor: Actor, job: CardJob) -> None:
    if job.operator_uid is None:
        if actor.uid != job.uid:
            raise NotPermitted("Only the card's holder can go on with this.")
        return
    actor.require(PERMISSIONS[job.kind])
    require_other_than_holder(actor.uid, job.uid)
    if actor.uid != job.operator_uid:
        raise NotPermitted("Another operator began this and must go on with it. Undo it to begin your own.")


def _record(work: Work, job: CardJob, must_go_on: str) -> CardJobRecord:
    names = Names(work, (job.uid, job.operator_uid))
    assert job.card_serial is not None, "a card job has its card from the beginning"
    return CardJobRecord(
        id=job.id,
        kind=job.kind,
        holder=names.person(job.uid),
        operator=names.person(job.operator_uid) if job.operator_uid else None,
        status=job.status,
        steps=job.steps,
        card_serial=job.card_serial,
        begun_at=job.begun_at,
        finished_at=job.finished_at,
        must_go_on=must_go_on,
    )
