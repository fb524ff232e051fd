"""Who stands at the desk: known by the one-time ticket first, and by the job token from then on."""

from __future__ import annotations

from app.domain.actor import Actor
from app.domain.desk_record import DeskRecord, claimed, hash_of, require_held, require_ticket, with_step
from app.domain.issuance import CardIssuance, require_open
from app.ra.issuing import FOUNDING
from app.ra.ports import Work

# Whoever comes with a ticket or job token that nobody was given.
STRANGER = Actor(uid="anonymous", name="a desk")


def operator_of(issuance: DeskRecord) -> Actor:
    """The desk acts for the operator who began the issuance, or for the founding ceremony."""
    if issuance.operator_uid is None:
        return FOUNDING
    return Actor(issuance.operator_uid, "the operator's desk", role_profile_id=issuance.operator_role_profile)


def claim_issuance(work: Work, ticket_hash: str, job_token_hash: str) -> CardIssuance:
    """Use the ticket up, under the lock: of two desks with one ticket, one gets the job.

    Raises:
        TicketNotValid, IssuanceNotOpen
    """
    known = work.issuances.of_ticket_to_change(ticket_hash)
    if known is not None:
        work.done_by(operator_of(known), known.uid)
        work.audit.details(issuance=known.id)
    found = require_ticket(known, ticket_hash, work.now)
    require_open(found)
    issuance = claimed(found, job_token_hash, work.now)
    work.issuances.save(issuance)
    return issuance


def held_issuance(work: Work, issuance_id: str, job_token: str) -> CardIssuance:
    """The issuance, locked, at the desk that has this job token; what is audited is that desk's doing.

    Raises:
        JobTokenNotValid
    """
    known = work.issuances.get_to_change(issuance_id)
    if known is not None and known.job_token_hash == hash_of(job_token):
        work.done_by(operator_of(known), known.uid)
    return require_held(known, job_token, work.now)


def save_step(work: Work, issuance: CardIssuance, step: str) -> None:
    """Keep the issuance with one more step done, and the job token alive for a while longer."""
    work.issuances.save(with_step(issuance, step, work.now))
