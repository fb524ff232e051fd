"""Who stands at the desk: known by the one-time ticket first, and by the job token from then on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.domain.actor import Actor
from app.domain.issuance import (
    JOB_TOKEN_LASTS,
    CardIssuance,
    IssuanceStep,
    JobTokenNotValid,
    TicketNotValid,
    hash_of,
    require_open,
)
from app.ra.issuing import FOUNDING
from app.ra.ports import Work

# Whoever comes with a ticket or job token that nobody was given.
STRANGER = Actor(uid="anonymous", name="a desk")


def operator_of(issuance: CardIssuance) -> Actor:
    """The desk acts for the operator who began the issuance, or for the founding ceremony."""
    if issuance.operator_uid is None:
        return FOUNDING
    return Actor(issuance.operator_uid, "the operator's desk", role_profile_id=issuance.operator_role_profile)


def claimed(work: Work, issuance_id: str, ticket_hash: str, job_token_hash: str) -> CardIssuance:
    """Use the ticket up. Read again under the lock: of two desks with one ticket, one gets the job."""
    issuance = work.issuances.get_to_change(issuance_id)
    if (
        issuance is None
        or issuance.ticket_hash != ticket_hash
        or _is_over(issuance.ticket_expires_at, work.now)
    ):
        raise TicketNotValid("This link was used or has run out. Open the desk from the page again.")
    require_open(issuance)
    now_held = replace(
        issuance,
        ticket_hash=None,
        ticket_expires_at=None,
        job_token_hash=job_token_hash,
    )
    save_step(work, now_held, "opened_at_the_desk")
    return now_held


def require_held(issuance: CardIssuance | None, job_token: str, now: datetime) -> CardIssuance:
    if (
        issuance is None
        or issuance.job_token_hash != hash_of(job_token)
        or _is_over(issuance.job_token_expires_at, now)
    ):
        raise JobTokenNotValid("The desk lost touch with this job. Open the desk from the page again.")
    return issuance


def _is_over(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is None or expires_at <= now


def save_step(work: Work, issuance: CardIssuance, step: str) -> None:
    """Keep the issuance with one more step done, and the job token alive for a while longer."""
    work.issuances.save(
        replace(
            issuance,
            job_token_expires_at=work.now + JOB_TOKEN_LASTS,
            steps=(*issuance.steps, IssuanceStep(step, work.now, "done")),
        )
    )
