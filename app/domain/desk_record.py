"""What is done at a desk: known there by a one-time ticket, then by a job token, and recorded step by step.

Issuances and all other card jobs are such records, so that there is one way in which a desk comes to a job.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from app.errors import Refusal

TICKET_LASTS = timedelta(minutes=5)
# Measured from its last use: choosing a PIN takes some people a while.
JOB_TOKEN_LASTS = timedelta(minutes=15)


class TicketNotValid(Refusal):
    """The ticket was used, has run out, or never was one."""

    code = "ticket_not_valid"


class JobTokenNotValid(Refusal):
    """The desk's job token is not the job's, or has run out."""

    code = "job_token_not_valid"


@dataclass(frozen=True)
class JobStep:
    """One thing that happened: its name, when, and ``done`` or ``failed`` with the reason."""

    name: str
    at: datetime
    outcome: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DeskRecord:
    """What every job at a desk has.

    Attributes:
        uid: the card's holder.
        operator_uid: who began it and answers for it; None when no operator does.
        ticket_hash, job_token_hash: SHA-256 in hexadecimal of values that only the desk knows.
    """

    id: str
    uid: str
    operator_uid: str | None
    operator_role_profile: str | None
    begun_at: datetime
    steps: tuple[JobStep, ...] = ()
    card_serial: str | None = None
    finished_at: datetime | None = None
    ticket_hash: str | None = None
    ticket_expires_at: datetime | None = None
    job_token_hash: str | None = None
    job_token_expires_at: datetime | None = None


Record = TypeVar("Record", bound=DeskRecord)


def new_secret() -> str:
    """A ticket, job token or nonce: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """How a ticket or job token is stored: SHA-256, hexadecimal. The secrets are random, so no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def with_ticket(record: Record, ticket: str, now: datetime) -> Record:
    """The record with a new ticket; an earlier one stops working."""
    return replace(record, ticket_hash=hash_of(ticket), ticket_expires_at=now + TICKET_LASTS)


def require_ticket(record: Record | None, ticket_hash: str, now: datetime) -> Record:
    """The record, when the ticket is its own. Read it under the lock: of two desks one gets the job.

    Raises:
        TicketNotValid
    """
    if record is None or record.ticket_hash != ticket_hash or _is_over(record.ticket_expires_at, now):
        raise TicketNotValid("This link was used or has run out. Open the desk from the page again.")
    return record


def claimed(record: Record, job_token_hash: str, now: datetime) -> Record:
    """The record in the hands of a desk: its ticket is used up, an earlier job token stops working."""
    held = replace(record, ticket_hash=None, ticket_expires_at=None, job_token_hash=job_token_hash)
    return with_step(held, "opened_at_the_desk", now)


def require_held(record: Record | None, job_token: str, now: datetime) -> Record:
    """The record, when the desk with this job token holds it.

    Raises:
        JobTokenNotValid
    """
    if (
        record is None
        or record.job_token_hash != hash_of(job_token)
        or _is_over(record.job_token_expires_at, now)
    ):
        raise JobTokenNotValid("The desk lost touch with this job. Open the desk from the page again.")
    return record


def with_step(record: Record, step: str, now: datetime) -> Record:
    """The record with one more step done, and the job token alive for a while longer."""
    done = JobStep(step, now, "done")
    return replace(record, job_token_expires_at=now + JOB_TOKEN_LASTS, steps=(*record.steps, done))


def with_failure(record: Record, step: str, reason: str, now: datetime) -> Record:
    """The record with a step that failed at the desk; it goes on from there."""
    failed = JobStep(step[:60], now, "failed", reason[:500])
    return replace(record, steps=(*record.steps, failed))


def _is_over(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is None or expires_at <= now
