"""Card jobs in the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update

from app.domain.card_job import AlreadySigned, CardJob, JobAlreadyOpen, JobApproval, JobKind, JobStatus
from app.storage.conflicts import conflict_means
from app.storage.desk_steps import step_of, step_row
from app.storage.prepared import Prepared
from app.storage.tables import card_jobs as tables

_job, _approval = tables.card_job, tables.card_job_approval
_OPEN = or_(*(_job.c.status == status.value for status in JobStatus if status.is_open))
_OF_APPROVAL = [_approval.c[name] for name in JobApproval.__dataclass_fields__]

_ADD, _ADD_APPROVAL = Prepared(insert(_job)), Prepared(insert(_approval))
_SAVE = Prepared(update(_job).where(_job.c.id == bindparam("of_id")))
_FOUND = select(_job).order_by(_job.c.begun_at, _job.c.id)
_OF_ID = select(_job).where(_job.c.id == bindparam("id"))
_BY_ID, _BY_ID_TO_CHANGE = Prepared(_OF_ID), Prepared(_OF_ID.with_for_update())
_BY_TICKET = Prepared(_FOUND.where(_job.c.ticket_hash == bindparam("ticket_hash")))
_FOUND_OF_CARD = _FOUND.where(
    _job.c.card_serial == bindparam("card_serial"), _job.c.kind == bindparam("kind")
)
_OF_CARD, _OPEN_OF_CARD = Prepared(_FOUND_OF_CARD), Prepared(_FOUND_OF_CARD.where(_OPEN))
_WITHDRAW = Prepared(delete(_approval).where(_approval.c.job_id == bindparam("job_id")))
_APPROVALS = Prepared(
    select(*_OF_APPROVAL)
    .where(_approval.c.job_id == bindparam("job_id"))
    .order_by(_approval.c.signed_at, _approval.c.signer_uid)
)


class CardJobs:
    """Open, done and undone jobs, and who signed for them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, job: CardJob) -> None:
        """Keep a new job.

        Raises:
            JobAlreadyOpen: the card is in an open one of that kind.
        """
        already = JobAlreadyOpen("This is being done with this card already. Go on with it or undo it.")
        with conflict_means(already):
            _ADD.change(self._connection, _row_of(job))

    def save(self, job: CardJob) -> None:
        """Keep what became of a job read with ``get_to_change``."""
        _SAVE.change(self._connection, {**_row_of(job), "of_id": job.id})

    def get(self, job_id: str) -> CardJob | None:
        """The job with this id."""
        return next(iter(self._select(_BY_ID, id=job_id)), None)

    def get_to_change(self, job_id: str) -> CardJob | None:
        """The job with this id; nobody else can change it until this transaction ends."""
        return next(iter(self._select(_BY_ID_TO_CHANGE, id=job_id)), None)

    def of_ticket(self, ticket_hash: str) -> CardJob | None:
        """The job that the ticket was made for."""
        return next(iter(self._select(_BY_TICKET, ticket_hash=ticket_hash)), None)

    def open_of(self, card_serial: str, kind: JobKind) -> CardJob | None:
        """The card's open job of that kind."""
        of_card = self._select(_OPEN_OF_CARD, card_serial=card_serial, kind=kind.value)
        return next(iter(of_card), None)

    def of_card(self, card_serial: str, kind: JobKind) -> list[CardJob]:
        """Every job of that kind that the card was in, oldest first."""
        return self._select(_OF_CARD, card_serial=card_serial, kind=kind.value)

    def withdraw_approvals(self, job_id: str) -> None:
        """Forget the signatures for a job: what they were made for has changed."""
        _WITHDRAW.change(self._connection, {"job_id": job_id})

    def approve(self, job: CardJob, approval: JobApproval, at: datetime) -> None:
        """Keep a signature for the job.

        Raises:
            AlreadySigned: by the same person.
        """
        row = {**asdict(approval), "job_id": job.id, "holder_uid": job.uid, "signed_at": at}
        with conflict_means(
            AlreadySigned("This person has signed already. Another colleague must sign too.")
        ):
            _ADD_APPROVAL.change(self._connection, row)

    def approvals(self, job_id: str) -> list[JobApproval]:
        """The signatures for the job, oldest first."""
        rows = _APPROVALS.rows(self._connection, {"job_id": job_id})
        return [JobApproval(**row._asdict()) for row in rows]

    def _select(self, chosen: Prepared, **values: str) -> list[CardJob]:
        return [_job_of(row) for row in chosen.rows(self._connection, values)]


def _row_of(job: CardJob) -> dict[str, Any]:
    row = {name: getattr(job, name) for name in CardJob.__dataclass_fields__}
    return row | {
        "kind": job.kind.value,
        "status": job.status.value,
        "steps": [step_row(step) for step in job.steps],
        "facts": dict(job.facts),
    }


def _job_of(row: Row[tuple[object, ...]]) -> CardJob:
    row_fields = row._asdict()
    fields = {name: row_fields[name] for name in CardJob.__dataclass_fields__}
    return CardJob(
        **{
            **fields,
            "kind": JobKind(fields["kind"]),
            "status": JobStatus(fields["status"]),
            "steps": tuple(step_of(step) for step in fields["steps"]),
        }
    )
