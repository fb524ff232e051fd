"""Unlocking a card: the holder chooses a new PIN at a desk, with the card's SO PIN released from escrow.

An operator unlocks somebody else's card with their own card's signature; two colleagues of the holder do with
theirs; or the holder alone after a one-time code (``unlocking_by_code.py``). Nothing here depends on the
holder's certificates being valid: expired cards are unlocked too, to be renewed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from app.domain.actor import Actor
from app.domain.approval import require_signed_recently, verify_signature
from app.domain.card import Card, CardStatus
from app.domain.card_job import (
    CardJob,
    JobApproval,
    JobKind,
    JobStatus,
    require_job_status,
    require_other_than_holder,
)
from app.domain.certificate import CertificateStatus
from app.domain.certificate_order import CertificatePurpose, SignedApproval, serial_number_text
from app.domain.desk_record import new_secret, with_step
from app.domain.issuance import ProofNotValid
from app.domain.json_value import JsonValue
from app.domain.permission import Permission
from app.domain.renewal_statement import SignedAs
from app.domain.so_pin_release import (
    ReleaseBasis,
    ReleaseStatement,
    SoPinReleaseOrder,
    release_statement_from_untrusted,
)
from app.domain.unlocking import proof_text, require_unlockable
from app.errors import NotFound, NotPermitted
from app.ra.approving import require_all_as_known, verified_signer
from app.ra.card_job_steps import CardJobSteps, approved, begun, done, undone
from app.ra.finding import require_person
from app.ra.ports import CertificateAuthority, Database, Work
from app.ra.requesting import require_active

_SIGNATURES = {
    ReleaseBasis.OPERATOR: 1,
    ReleaseBasis.OFFLINE: 1,
    ReleaseBasis.COLLEAGUES: 2,
    ReleaseBasis.CODE: 0,
}
_BY_OPERATOR = (ReleaseBasis.OPERATOR, ReleaseBasis.OFFLINE)


class Unlocking:
    """The kind ``unlock`` of card jobs."""

    def __init__(self, database: Database, certificate_authority: CertificateAuthority, origin: str) -> None:
        self._database = database
        self._certificate_authority = certificate_authority
        self._steps = CardJobSteps(database)
        self._origin = origin

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

    def approve(
        self, job_token: str, job_id: str, *, statement: bytes, signature: bytes, certificate: bytes
    ) -> None:
        """Verify and keep one signature for the release of the SO PIN.

        A signature for another desk's key replaces all that were given for the former one, and an operator's
        new one their older one. Of two colleagues each signs once.

        Raises:
            JobTokenNotValid, JobNotOpen, ApprovalNotValid, CannotWorkOnOwnCard, NotPermitted, AlreadySigned
        """
        signed = SignedApproval(statement, signature, certificate)
        with self._steps.step(job_token, job_id, JobKind.UNLOCK, "card_job.approved") as (work, job):
            said, signer = self._verified(work, job, signed)
            work.audit.details(certificate=serial_number_text(_serial(certificate)), signer=signer)
            is_operator = job.facts["basis"] in _BY_OPERATOR
            if is_operator or job.facts.get("recipient") != said.recipient_key:
                work.card_jobs.withdraw_approvals(job.id)
            work.card_jobs.approve(job, JobApproval(signer, statement, signature, certificate), work.now)
            kept = replace(job, facts={**job.facts, "recipient": said.recipient_key})
            work.card_jobs.save(_with_signature(work, kept, signer))

    def release(self, job_token: str, job_id: str, recipient_key: bytes) -> tuple[bytes, ...]:
        """The card's SO PINs for this desk alone, the likeliest first, wrapped to its key.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, Unavailable, and what the certificate authority
            refuses
        """
        with self._steps.step(job_token, job_id, JobKind.UNLOCK, "so_pin.asked_for") as (work, job):
            require_job_status(job, JobStatus.APPROVED)
            order = _order(work, job, recipient_key)
            work.audit.details(basis=order.basis.value, recipient=sha256(recipient_key).hexdigest())
            work.card_jobs.save(with_step(job, "so_pin_released", work.now))
        released = self._certificate_authority.release_so_pin(order)
        if order.basis is ReleaseBasis.OFFLINE:
            self._end_with_response(job_token, job_id)
        return released

    def _end_with_response(self, job_token: str, job_id: str) -> None:
        """Nobody hears how a ward without network fares: the job ends with its response."""
        with self._steps.step(job_token, job_id, JobKind.UNLOCK, "card.unlock_response_given") as (work, job):
            work.card_jobs.save(done(job, "response_given", work.now))

    def complete(self, job_token: str, job_id: str, proof: bytes) -> None:
        """Verify that the card works with its new PIN, and end the job. Again changes nothing.

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
            work.card_jobs.save(done(job, "unlocked", work.now))

    def _verified(self, work: Work, job: CardJob, signed: SignedApproval) -> tuple[ReleaseStatement, str]:
        said = release_statement_from_untrusted(signed.statement)
        holder = require_person(work, job.uid)
        require_active(holder)
        certificate = verified_signer(work, signed)
        require_other_than_holder(certificate.uid, job.uid)
        if job.facts["basis"] == ReleaseBasis.COLLEAGUES and not are_colleagues(
            work, certificate.uid, job.uid
        ):
            raise NotPermitted("Whoever vouches must work where the card's holder works.")
        _require_says_so(said, job, holder.name, self._origin, certificate.uid)
        require_signed_recently(said, work.now)
        return said, certificate.uid


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
    if _SIGNATURES[basis] == 0:
        job = approved(job, "code_accepted", work.now)
    work.card_jobs.add(job)
    work.audit.details(job=job.id, card=card.serial, basis=basis.value)
    return job


def are_colleagues(work: Work, uid: str, other_uid: str) -> bool:
    """Whether both hold a role that counts today at one organisation."""
    ours, theirs = (
        {role.organisation_code for role in work.role_profiles.of(each) if role.counts_on(work.now.date())}
        for each in (uid, other_uid)
    )
    return bool(ours & theirs)


def require_card(work: Work, serial: str) -> tuple[Card, str]:
    """The card, locked for this transaction, and its holder's user id.

    Raises:
        NotFound, CardMoveNotAllowed
    """
    card = work.cards.get_to_change(serial)
    if card is None or card.holder_uid is None:
        raise NotFound("There is no such card in anybody's use.")
    require_unlockable(card)
    return card, card.holder_uid


def _require_says_so(
    said: ReleaseStatement, job: CardJob, holder_name: str, origin: str, signer: str
) -> None:
    is_operator = job.facts["basis"] in _BY_OPERATOR
    expected: dict[str, tuple[str | None, str | None]] = {
        "the job": (said.job, job.id),
        "the holder": (said.holder, job.uid),
        "the holder's name": (said.holder_name, holder_name),
        "the card": (said.card_serial, job.card_serial),
        "the signer": (said.signer, signer),
        "the signer's role": (said.signed_as, SignedAs.OPERATOR if is_operator else SignedAs.COLLEAGUE),
        "the site": (said.origin, origin),
    }
    if is_operator:
        expected["the operator"] = (signer, job.operator_uid)
    require_all_as_known(expected)


def _with_signature(work: Work, job: CardJob, signer: str) -> CardJob:
    """The job with one more signature; approved once it has all."""
    needed = _SIGNATURES[ReleaseBasis(str(job.facts["basis"]))]
    step = "approved" if needed == 1 else f"vouched_by_{signer}"
    if len(work.card_jobs.approvals(job.id)) < needed:
        return replace(with_step(job, step, work.now), status=JobStatus.BEGUN)
    return approved(job, step, work.now)


def _order(work: Work, job: CardJob, recipient_key: bytes) -> SoPinReleaseOrder:
    approvals = work.card_jobs.approvals(job.id)
    return SoPinReleaseOrder(
        job_id=job.id,
        holder_uid=job.uid,
        card_serial=job.card_serial or "",
        basis=ReleaseBasis(str(job.facts["basis"])),
        recipient_key=_recipient_of(job, recipient_key),
        approvals=tuple(
            SignedApproval(each.statement, each.signature, each.certificate) for each in approvals
        ),
    )


def _recipient_of(job: CardJob, of_desk: bytes) -> bytes:
    """What is released to: the desk's key, or the challenge of a computer without network."""
    challenge = job.facts.get("challenge")
    return bytes.fromhex(str(challenge)) if challenge else of_desk


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


def _serial(certificate: bytes) -> int:
    return x509.load_der_x509_certificate(certificate).serial_number
