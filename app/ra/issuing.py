"""Issuing a card, at the operator's page: begin, hand the job to the desk, watch, undo.

The desk's part is in ``desk_jobs.py``. The numbered steps, and what each leaves behind, are in
``docs/issuing-a-card.md``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.domain.actor import Actor
from app.domain.card import CardAlreadyHeld, CardStatus
from app.domain.desk_record import JobStep, new_secret, with_ticket
from app.domain.issuance import (
    KEYS_PRESENTED,
    CannotIssueToOneself,
    CardIssuance,
    IssuanceStatus,
    require_open,
    require_other_operator,
)
from app.domain.issuance_terms import AT_ONCE, IssuanceTerms, require_possible
from app.domain.json_value import JsonValue
from app.domain.permission import Permission
from app.domain.person import Assurance, IdentityToBeVerified, Person
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.finding import require_person
from app.ra.ids import new_record_id
from app.ra.ports import Database, Work
from app.ra.records import IssuanceRecord
from app.ra.requesting import require_active
from app.ra.revoking import revoke_certificates
from app.ra.summaries import issuance_record

FOUNDING = Actor.system("founding")


class Issuing:
    """Begins and undoes issuances, and gives the desk its one-time tickets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, actor: Actor, uid: str, terms: IssuanceTerms = AT_ONCE) -> str:
        """Begin to issue a card to the person and return the issuance's id. The actor is its operator.

        Raises:
            NotPermitted, CannotIssueToOneself, NotFound, PersonClosed, IdentityToBeVerified, CardAlreadyHeld,
            IssuanceAlreadyOpen, InvalidInput
        """
        issuance_id = new_record_id()
        with self._database.audited(actor, "card_issuance.begun", uid, issuance=issuance_id) as work:
            actor.require(Permission.ISSUE_CARD)
            begin_issuance(work, actor, issuance_id, uid, terms)
            return issuance_id

    def ticket(self, actor: Actor, issuance_id: str) -> str:
        """A new one-time ticket, valid for 5 minutes, with which the desk claims the job.

        Only the operator who began the issuance gets one: that operator's card must approve it.

        Raises:
            NotPermitted, NotFound, IssuanceNotOpen
        """
        ticket = new_secret()
        subject = self._holder_of(issuance_id)
        with self._database.audited(
            actor, "card_issuance.ticket_given", subject, issuance=issuance_id
        ) as work:
            issuance = _require_issuance(work, issuance_id)
            _require_operator(actor, issuance)
            require_open(issuance)
            work.issuances.save(with_ticket(issuance, ticket, work.now))
        return ticket

    def issuance(self, actor: Actor, issuance_id: str) -> IssuanceRecord:
        """How far the issuance is.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.ISSUE_CARD)
        with self._database.read() as work:
            issuance = work.issuances.get(issuance_id)
            if issuance is None:
                raise _unknown()
            return issuance_record(work, issuance)

    def open_issuances(self, actor: Actor) -> list[IssuanceRecord]:
        """Every issuance that is not finished, oldest first.

        Raises:
            NotPermitted
        """
        actor.require(Permission.ISSUE_CARD)
        with self._database.read() as work:
            return [issuance_record(work, issuance) for issuance in work.issuances.open()]

    def undo(self, actor: Actor, issuance_id: str, reason: str) -> None:
        """Undo an open issuance from any state: its certificates are revoked, its card is cancelled.

        Raises:
            NotPermitted, CannotIssueToOneself, NotFound, IssuanceNotOpen, InvalidInput
        """
        subject = self._holder_of(issuance_id)
        with self._database.audited(actor, "card_issuance.undone", subject, issuance=issuance_id) as work:
            actor.require(Permission.ISSUE_CARD)
            issuance = _require_issuance(work, issuance_id)
            require_other_operator(actor.uid, issuance.uid)
            require_open(issuance)
            if not reason.strip():
                raise InvalidInput({"reason": "Say why the card is not being issued."})
            undo_issuance(work, issuance, reason.strip()[:500])

    def _holder_of(self, issuance_id: str) -> str:
        with self._database.read() as work:
            issuance = work.issuances.get(issuance_id)
        return issuance.uid if issuance else issuance_id


def begin_issuance(work: Work, actor: Actor, issuance_id: str, uid: str, terms: IssuanceTerms) -> None:
    """Begin within a transaction in which the actor's right was checked; refuses as ``Issuing.begin``."""
    require_can_have_card(work, actor, uid, terms)
    work.audit.details(terms=_terms_told(terms))
    work.issuances.add(_begun(issuance_id, uid, actor, terms, work.now))


def require_can_have_card(work: Work, actor: Actor, uid: str, terms: IssuanceTerms) -> None:
    """Refuse to begin for somebody who is the actor, not identified, closed, or has such a card.

    Raises:
        CannotIssueToOneself, NotFound, PersonClosed, IdentityToBeVerified, CardAlreadyHeld, InvalidInput
    """
    require_other_operator(actor.uid, uid)
    require_possible(terms, work.now.date())
    _require_identified(require_person(work, uid))
    _require_no_card(work, uid, terms)


def _terms_told(terms: IssuanceTerms) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {
        "is_locked": terms.is_locked,
        "usable_from": terms.usable_from.isoformat() if terms.usable_from else None,
        "temporary_hours": terms.temporary_hours,
        "temporary_reason": terms.temporary_reason,
    }
    return {name: value for name, value in told.items() if value}


def _begun(issuance_id: str, uid: str, operator: Actor, terms: IssuanceTerms, now: datetime) -> CardIssuance:
    return CardIssuance(
        id=issuance_id,
        uid=uid,
        status=IssuanceStatus.BEGUN,
        operator_uid=operator.uid,
        operator_role_profile=operator.role_profile_id,
        begun_at=now,
        terms=terms,
        steps=(JobStep("begun", now, "done"),),
    )


def _require_identified(person: Person) -> None:
    require_active(person)
    if person.assurance is not Assurance.EVIDENCE:
        raise IdentityToBeVerified(
            f"{person.name} was taken over from another directory and nobody here has seen their documents."
            " Their identity must be verified before they can have a card."
        )


def _require_no_card(work: Work, uid: str, terms: IssuanceTerms) -> None:
    card = work.cards.temporary_of(uid) if terms.is_temporary else work.cards.live_of(uid)
    if card is not None and card.replace_for is None:
        kind = "temporary" if terms.is_temporary else "working"
        raise CardAlreadyHeld(
            f"This person already has the {kind} card {card.serial}. Cancel it or report it lost first."
        )


def _unknown() -> NotFound:
    return NotFound("There is no such card issuance.")


def _require_issuance(work: Work, issuance_id: str) -> CardIssuance:
    issuance = work.issuances.get_to_change(issuance_id)
    if issuance is None:
        raise _unknown()
    return issuance


def _require_operator(actor: Actor, issuance: CardIssuance) -> None:
    if issuance.belongs_to_founding and actor == FOUNDING:
        return
    actor.require(Permission.ISSUE_CARD)
    if actor.uid == issuance.uid:
        raise CannotIssueToOneself("You cannot issue a card to yourself.")
    if actor.uid != issuance.operator_uid:
        raise NotPermitted(
            "Another operator began this issuance and must approve it. Undo it to begin your own."
        )


def undo_issuance(work: Work, issuance: CardIssuance, reason: str) -> None:
    """Undo an open issuance within a transaction: certificates revoked, its card cancelled."""
    certificates = work.certificates.of_issuance(issuance.id).values()
    revoked = revoke_certificates(work, certificates, "undone")
    if any(step.name == KEYS_PRESENTED for step in issuance.steps):
        # The certificate authority may have signed without our having heard of it.
        work.outbox.add("ca.revoke_issuance", issuance.id, {"reason": "cessationOfOperation"})
    _cancel_card(work, issuance)
    work.issuances.save(
        replace(
            issuance,
            status=IssuanceStatus.UNDONE,
            finished_at=work.now,
            ticket_hash=None,
            steps=(*issuance.steps, JobStep("undone", work.now, "done", reason)),
        )
    )
    work.audit.details(before=issuance.status.value, reason_given=reason, certificates=revoked)


def _cancel_card(work: Work, issuance: CardIssuance) -> None:
    """It may hold keys: it is cancelled until it is cleared for reuse."""
    card = work.cards.get_to_change(issuance.card_serial) if issuance.card_serial else None
    if card is not None:
        work.cards.end(card, CardStatus.CANCELLED, work.now, "its issuance was undone")
