"""The operator's approval of one issuance: which card at the desk may sign it, and the signed statement.

The new card has no keys yet when the operator approves. So the approval names a key of this desk, made for
this run, and that key signs those of the card when they are made: see ``desk_key``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from card_agent.card_process import CardProcesses
from card_agent.card_signature import signed_by
from card_agent.card_views import CardView
from card_agent.desk_job import CERTIFIED, Job, Party
from card_agent.desk_key import DeskKey
from card_agent.errors import CardMissing, WrongCard
from card_agent.job_client import ClaimedJob, SignedApproval
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.signed_statement import canonical

STATEMENT_TYPE = "spine-ra/card-issuance/1"


def operator_card(cards: Iterable[CardView], operator: Party) -> CardView:
    """Return the operator's card among the cards in the readers. Raises CardMissing."""
    for card in cards:
        if card.holder_uid == operator.uid and Purpose.CONTENT_COMMITMENT in card.certificates:
            return card
    raise CardMissing(f"Insert the card of {operator.name} (the operator) into a reader.")


def card_to_issue(cards: Iterable[CardView], job: Job) -> CardView:
    """Return the card in the readers that is to be issued.

    It is the job's card when the job names one, else a blank card. Raises CardMissing or WrongCard.
    """
    others = [card for card in cards if not card.holder_uid or card.holder_uid != job.operator.uid]
    if job.card_serial:
        return _card_of_the_job(others, job)
    blank = [card for card in others if card.is_blank]
    if blank:
        return blank[0]
    if others:
        raise WrongCard(
            f"The card in {others[0].place} is not blank: {_why_not(others[0])} "
            "Take it out and insert a blank card."
        )
    raise CardMissing("Insert a blank card into the other reader.")


def _card_of_the_job(cards: Iterable[CardView], job: Job) -> CardView:
    for card in cards:
        if card.serial == job.card_serial:
            return _require_free_or_the_holders(card, job)
    raise CardMissing(
        f"This issuance was begun with card {job.card_serial}. Insert that card. "
        "If it is lost or broken, undo the issuance on the site and begin a new one."
    )


def _require_free_or_the_holders(card: CardView, job: Job) -> CardView:
    """Before certification the card is erased, so it must hold nothing; after it, only the holder's own."""
    if card.is_blank or (job.state == CERTIFIED and card.holder_uid == job.holder.uid):
        return card
    raise WrongCard(f"Card {card.serial} cannot be issued: {_why_not(card)} Undo the issuance on the site.")


def _why_not(card: CardView) -> str:
    return card.trouble or f"it holds certificates of {card.holder_name}."


@dataclass(frozen=True)
class DeskApproval:
    """What one run is approved with: what the operator signed, and the desk key that it names."""

    signed: SignedApproval
    desk_key: DeskKey


def statement(claimed: ClaimedJob, card_serial: str, desk_key: DeskKey, now: datetime) -> bytes:
    """Return the canonical JSON that the operator signs: sorted keys, no spaces, UTF-8. ``now`` is UTC."""
    job = claimed.job
    facts = {
        "type": STATEMENT_TYPE,
        "issuance": job.id,
        "holder": job.holder.uid,
        "holder_name": job.holder.name,
        "card_serial": card_serial,
        "card_profile": job.card_profile,
        "operator": job.operator.uid,
        "desk_key": desk_key.public,
        "origin": claimed.site.origin,
        "signed_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if job.temporary_hours is not None:
        facts["temporary_hours"] = str(job.temporary_hours)
    return canonical(facts)


def signed_approval(
    claimed: ClaimedJob,
    card_serial: str,
    operator: CardView,
    pin: Pin,
    processes: CardProcesses,
    now: datetime,
) -> DeskApproval:
    """Sign the statement on the operator's card. Raises PinIncorrect, PinLocked, CardRemoved or CardFault."""
    desk_key = DeskKey()
    signed = statement(claimed, card_serial, desk_key, now)
    signature = signed_by(processes, operator, pin, Purpose.CONTENT_COMMITMENT, signed)
    certificate = operator.certificates[Purpose.CONTENT_COMMITMENT]
    return DeskApproval(SignedApproval(signed, signature, certificate), desk_key)
