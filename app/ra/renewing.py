"""Renewing a card, at the page: what is offered to whom, and how it begins. ``renewing_at_desk`` goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from app.domain.actor import Actor
from app.domain.card import LIVE, Card, CardMoveNotAllowed, CardStatus
from app.domain.card_job import (
    CardJob,
    JobAlreadyOpen,
    JobKind,
    JobStatus,
    require_other_than_holder,
)
from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.certificate_order import CertificatePurpose
from app.domain.permission import Permission
from app.domain.renewal import RenewalRules
from app.domain.renewal_job import RenewalFacts, Signing
from app.errors import NotFound, NotPermitted
from app.ra.card_job_steps import begun
from app.ra.finding import require_person
from app.ra.ports import Database, Work
from app.ra.requesting import require_active
from app.ra.revoking import revoke_certificates

_RENEWABLE = frozenset({CardStatus.ACTIVE, CardStatus.EXPIRING, CardStatus.EXPIRED})


@dataclass(frozen=True)
class RenewalDue:
    """A card that can be renewed now. ``by_holder`` says whether its holder may do it alone."""

    card_serial: str
    ends_at: datetime
    has_ended: bool
    by_holder: bool
    open_job: str | None


class Renewing:
    """Begins renewals."""

    def __init__(self, database: Database, rules: RenewalRules) -> None:
        self._database = database
        self._rules = rules

    def due(self, uid: str) -> RenewalDue | None:
        """The person's card when it can be renewed now, else None; an expired one while there is no other."""
        with self._database.read() as work:
            card = work.cards.live_of(uid) or _expired_of(work, uid)
            pair = pair_in_use(work, card.serial) if card and card.status in _RENEWABLE else {}
            if card is None or card.replace_for or not pair or work.now < self._rules.opens_at(ends_of(pair)):
                return None
            ends_at, open_job = ends_of(pair), work.card_jobs.open_of(card.serial, JobKind.RENEW)
            return RenewalDue(
                card.serial,
                ends_at,
                has_ended=work.now > ends_at,
                by_holder=work.now <= ends_at and self._holder_may_again(work, card),
                open_job=open_job.id if open_job else None,
            )

    def begin_own(self, actor: Actor, card_serial: str) -> str:
        """Begin to renew one's own card and return the job's id; an open one is gone on with.

        Raises:
            NotFound, NotPermitted, CardMoveNotAllowed, RenewalNotDue, CardMustBeSeen, JobAlreadyOpen
        """
        with self._database.audited(actor, "card_renewal.begun", actor.uid, card=card_serial) as work:
            card = _require_card(work, card_serial)
            if card.holder_uid != actor.uid:
                raise NotPermitted("You can renew your own card only. Ask your Registration Authority.")
            pair = self._require_due(work, card)
            if work.now > ends_of(pair):
                raise CardMoveNotAllowed(
                    "This card has expired. Your Registration Authority must renew it with you."
                )
            self._rules.require_holder_may_again(by_holder_in_a_row(work, card.serial))
            return _opened(work, card, pair, Signing.HOLDER, None)

    def begin(self, actor: Actor, card_serial: str, signing: Signing) -> str:
        """Begin to renew somebody's card with them and return the job's id. The actor is its operator.

        Raises:
            NotPermitted, CannotWorkOnOwnCard, NotFound, PersonClosed, CardMoveNotAllowed, RenewalNotDue,
            JobAlreadyOpen
        """
        with self._database.audited(actor, "card_renewal.begun", card_serial, card=card_serial) as work:
            actor.require(Permission.RENEW_CARD)
            card = _require_card(work, card_serial)
            require_other_than_holder(actor.uid, card.holder_uid or "")
            pair = self._require_due(work, card)
            if signing is Signing.OPERATOR and work.now > ends_of(pair):
                actor.require(Permission.ISSUE_CARD)
            return _opened(work, card, pair, signing, actor)

    def _require_due(self, work: Work, card: Card) -> dict[CertificatePurpose, CardCertificate]:
        require_active(require_person(work, card.holder_uid or ""))
        if card.status not in _RENEWABLE:
            raise CardMoveNotAllowed(f"Card {card.serial} is {card.status.value} and cannot be renewed.")
        if card.replace_for is not None:
            raise CardMoveNotAllowed(
                f"Card {card.serial} carries a name that has changed. Replace the card instead."
            )
        pair = pair_in_use(work, card.serial)
        if not pair:
            raise CardMoveNotAllowed(f"Card {card.serial} has no certificates in force. Replace the card.")
        self._rules.require_due(ends_of(pair), work.now)
        return pair

    def _holder_may_again(self, work: Work, card: Card) -> bool:
        return by_holder_in_a_row(work, card.serial) < self._rules.by_holder_in_a_row


def _expired_of(work: Work, uid: str) -> Card | None:
    return next((card for card in work.cards.of(uid) if card.status is CardStatus.EXPIRED), None)


def pair_in_use(work: Work, card_serial: str) -> dict[CertificatePurpose, CardCertificate]:
    """The card's active certificates; none when one of them is missing."""
    active = {
        each.purpose: each
        for each in work.certificates.of_card(card_serial)
        if each.status is CertificateStatus.ACTIVE
    }
    return active if len(active) == len(_PAIR) else {}


_PAIR = (CertificatePurpose.AUTHENTICATION, CertificatePurpose.CONTENT_COMMITMENT)


def ends_of(pair: dict[CertificatePurpose, CardCertificate]) -> datetime:
    """When the first of the two certificates ends."""
    return min(each.not_after for each in pair.values())


def by_holder_in_a_row(work: Work, card_serial: str) -> int:
    """How often the holder alone renewed the card since somebody saw them; the authority counts too."""
    done = [
        RenewalFacts.of(job.facts).signing
        for job in reversed(work.card_jobs.of_card(card_serial, JobKind.RENEW))
        if job.status is JobStatus.DONE or RenewalFacts.of(job.facts).in_use
    ]
    return sum(1 for _ in takewhile(lambda signing: signing is Signing.HOLDER, done))


_IN_HAND = LIVE | {CardStatus.EXPIRED}


def why_renewal_goes_on(work: Work, job: CardJob) -> str:
    """Why a renewal must be finished instead of given up, and what to do; empty when it can be given up.

    From the moment when a desk was given the new certificates, the card may hold them and use their keys, so
    that it would not sign in any more if they were revoked. A card that has ended uses none.
    """
    facts = RenewalFacts.of(job.facts)
    card = work.cards.get(job.card_serial or "")
    if not facts.completion_nonce or card is None or card.status not in _IN_HAND:
        return ""
    return _REMOVE_OLD if facts.in_use else _FINISH


_REMOVE_OLD = (
    "The new certificates are in use. Put the card in a reader and open the desk once more: it asks for the "
    "card's PIN and removes the old ones."
)
_FINISH = (
    "The new certificates are made and may be on the card already, so this can only be finished. Put the "
    "card in a reader and open the desk: it asks for the card's PIN. If the card fails, report it as faulty "
    "and issue another one."
)


def take_back_renewal(work: Work, job: CardJob) -> None:
    """Revoke what was certified for a renewal that is given up."""
    facts = RenewalFacts.of(job.facts)
    revoked = revoke_certificates(work, work.certificates.of_renewal(job.id).values(), "undone")
    if facts.ordered:
        # The certificate authority may have signed without our having heard of it.
        work.outbox.add("ca.revoke_issuance", job.id, {"reason": "cessationOfOperation"})
    work.audit.details(certificates=revoked)


def _require_card(work: Work, card_serial: str) -> Card:
    card = work.cards.get_to_change(card_serial)
    if card is None or card.holder_uid is None:
        raise NotFound("There is no such card.")
    return card


def _opened(
    work: Work,
    card: Card,
    pair: dict[CertificatePurpose, CardCertificate],
    signing: Signing,
    operator: Actor | None,
) -> str:
    """A new job, or the open one when it is the same person's."""
    found = work.card_jobs.open_of(card.serial, JobKind.RENEW)
    job = found or _begun(work, card, pair, signing, operator)
    if found is None:
        work.card_jobs.add(job)
    elif _is_somebody_elses(work, found, operator, signing):
        raise JobAlreadyOpen("This card is being renewed already. Go on with that, or have it given up.")
    work.audit.details(job=job.id, uid=job.uid, signing=signing.value)
    return job.id


def _is_somebody_elses(work: Work, job: CardJob, operator: Actor | None, signing: Signing) -> bool:
    """Whether the job waits for who began it; one that can only be finished waits for nobody's signature."""
    theirs = job.operator_uid, RenewalFacts.of(job.facts).signing
    return theirs != (operator.uid if operator else None, signing) and not why_renewal_goes_on(work, job)


def _begun(
    work: Work,
    card: Card,
    pair: dict[CertificatePurpose, CardCertificate],
    signing: Signing,
    operator: Actor | None,
) -> CardJob:
    replaces = pair[CertificatePurpose.AUTHENTICATION].serial_number
    facts = RenewalFacts(signing, replaces)
    assert card.holder_uid is not None
    return begun(JobKind.RENEW, card.holder_uid, card.serial, operator, work.now, facts.as_json())
