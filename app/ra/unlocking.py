"""Unlocking a card: the holder chooses a new PIN at a desk, with the card's SO PIN released from escrow.

An operator unlocks somebody else's card with their own card's signature; two colleagues of the holder do with
theirs; or the holder alone after a one-time code (``unlocking_by_code.py``). The SO PIN comes to the desk by
``releasing_so_pins.py``, and the card gets another one in the same job where its kind can. Nothing here
depends on the holder's certificates being valid: expired cards are unlocked too, to be renewed.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from app.domain.actor import Actor
from app.domain.approval import verify_signature
from app.domain.card import Card, CardStatus
from app.domain.card_job import (
    CardJob,
    JobKind,
    JobStatus,
    require_job_status,
    require_other_than_holder,
)
from app.domain.certificate import CertificateStatus
from app.domain.certificate_order import CertificatePurpose
from app.domain.desk_record import new_secret
from app.domain.issuance import ProofNotValid
from app.domain.json_value import JsonValue
from app.domain.permission import Permission
from app.domain.person import Person
from app.domain.so_pin_release import ReleaseBasis, SoPinOutcome
from app.domain.unlocking import proof_text, require_unlockable
from app.errors import NotFound
from app.ra.card_job_steps import CardJobSteps, approved, begun, done, undone
from app.ra.finding import require_person
from app.ra.ports import Database, Work
from app.ra.releasing_so_pins import settle_so_pin
from app.ra.requesting import require_active
from app.ra.signing_releases import SIGNATURES


class Unlocking:
    """The kind ``unlock`` of card jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._steps = CardJobSteps(database)

    def require_open_to(self, actor: Actor, card_serial: str) -> Person:
        """Refuse as ``begin`` does, before anybody is told what they need at the desk; or answer the holder.

        Raises:
            NotPermitted, CannotWorkOnOwnCard, NotFound, CardMoveNotAllowed
        """
        actor.require(Permission.UNLOCK_CARD)
        with self._database.read() as work:
            _, holder = _held(work.cards.get(card_serial))
            require_other_than_holder(actor.uid, holder)
            return require_person(work, holder)

    def begin(self, actor: Actor, card_serial: str) -> str:
        """Begin to unlock somebody else's card and return the job's id. The actor is its operator.

        An unlocking of this card that was begun before and not finished is given up.

        Raises:
            NotPermitted, CannotWorkOnOwnCard, NotFound, CardMoveNotAllowed, PersonClosed
        """
        with self._database.audited(actor, "card_job.begun", card_serial, kind=JobKind.UNLOCK.value) as work:
            actor.require(Permission.UNLOCK_CARD)
            card, holder = require_card(work, card_serial)
            require_other_than_holder(actor.uid, holder)
            return begin_unlocking(work, card, holder, ReleaseBasis.OPERATOR, actor).id

    def told(self, work: Work, job: CardJob) -> Mapping[str, JsonValue]:
        """What the desk must know: who has to sign, what is signed already, what the card must sign."""
        return {
            # Whoever is not signed in as an operator goes back to the sign-in.
            "page": f"/card-jobs/{job.id}" if job.operator_uid else "/sign-in?again=yes",
            "basis": job.facts["basis"],
            "proof_nonce": job.facts["proof_nonce"],
            # Of an unlocking without network: what is signed and answered in place of this desk's key.
            "challenge": job.facts.get("challenge"),
            "signed_by": [approval.signer_uid for approval in work.card_jobs.approvals(job.id)],
        }

    def complete(self, job_token: str, job_id: str, proof: bytes, outcome: SoPinOutcome) -> None:
        """Verify that the card works with its new PIN, and end the job. Again changes nothing.

        ``outcome`` says whether the card got another SO PIN in place of the one that this desk has seen.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, ProofNotValid
        """
        if self._steps.held(job_token, job_id, JobKind.UNLOCK).status is JobStatus.DONE:
            return
        with self._steps.step(job_token, job_id, JobKind.UNLOCK, "card.unlocked") as (work, job):
            require_job_status(job, JobStatus.APPROVED)
            card, _ = require_card(work, job.card_serial or "")
            _verify_proof(work, job, proof)
            if card.status is CardStatus.LOCKED:
                work.cards.move(card, CardStatus.ACTIVE)
            work.audit.details(basis=job.facts["basis"])
            settle_so_pin(work, job, outcome)
            work.card_jobs.save(done(job, "unlocked", work.now))


def begin_unlocking(
    work: Work, card: Card, holder_uid: str, basis: ReleaseBasis, operator: Actor | None = None
) -> CardJob:
    """Keep a new job, in place of one that was begun before and not finished.

    Raises:
        CardMoveNotAllowed, PersonClosed
    """
    require_unlockable(card)
    require_active(require_person(work, holder_uid))
    earlier = work.card_jobs.open_of(card.serial, JobKind.UNLOCK)
    if earlier is not None:
        work.card_jobs.save(undone(earlier, "begun again", work.now))
    facts: dict[str, JsonValue] = {"basis": basis.value, "proof_nonce": new_secret()}
    job = begun(JobKind.UNLOCK, holder_uid, card.serial, operator, work.now, facts)
    if SIGNATURES[basis] == 0:
        job = approved(job, "code_accepted", work.now)
    work.card_jobs.add(job)
    work.audit.details(job=job.id, card=card.serial, basis=basis.value)
    return job


def require_card(work: Work, serial: str) -> tuple[Card, str]:
    """The card, locked for this transaction, and its holder's user id.

    Raises:
        NotFound, CardMoveNotAllowed
    """
    return _held(work.cards.get_to_change(serial))


def _held(card: Card | None) -> tuple[Card, str]:
    if card is None or card.holder_uid is None:
        raise NotFound("There is no such card in anybody's use.")
    require_unlockable(card)
    return card, card.holder_uid


def _verify_proof(work: Work, job: CardJob, proof: bytes) -> None:
    """By the authentication key of one of the card's certificates in force, expired or not."""
    text = proof_text(str(job.facts["proof_nonce"]))
    for certificate in work.certificates.of_card(job.card_serial or ""):
        if (
            certificate.purpose is CertificatePurpose.AUTHENTICATION
            and certificate.status is CertificateStatus.ACTIVE
            and _fits(certificate.der, proof, text)
        ):
            return
    raise ProofNotValid("The card did not prove that it holds its key. Open the job again.")


def _fits(der: bytes, proof: bytes, text: bytes) -> bool:
    try:
        verify_signature(x509.load_der_x509_certificate(der).public_key(), proof, text)
    except InvalidSignature:
        return False
    return True
