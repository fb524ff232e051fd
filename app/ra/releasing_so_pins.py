"""Having a card's SO PIN released to a desk, and keeping the one that takes its place.

Unlocking, exporting and clearing need it. Each job says what it rests on (``facts["basis"]``); here the
signatures for it are verified and kept, the release is ordered, and the card's next SO PIN is put in escrow
before the card gets it. The certificate authority verifies every signature again, by its own record.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from cryptography import x509

from app.domain.approval import ApprovalNotValid
from app.domain.card_job import (
    CardJob,
    JobApproval,
    JobKind,
    JobStatus,
    JobStepOutOfOrder,
    require_job_status,
)
from app.domain.certificate_order import SignedApproval, serial_number_text
from app.domain.desk_record import with_step
from app.domain.permission import Permission
from app.domain.so_pin_release import (
    ReleaseBasis,
    SoPinOutcome,
    SoPinReleaseOrder,
    release_statement_from_untrusted,
)
from app.errors import NotPermitted
from app.ra.card_job_steps import CardJobSteps, approved, done
from app.ra.desk_jobs import require_wrapped_so_pin
from app.ra.ports import CertificateAuthority, Database, Work
from app.ra.signing_releases import (
    BY_OPERATOR_ALONE,
    SIGNATURES,
    basis_of,
    reason_of,
    signatures_of,
    verified_release,
    with_own_signature,
)

#: The kinds of jobs for which an SO PIN is released.
RELEASED_FOR: Collection[JobKind] = (JobKind.UNLOCK, JobKind.EXPORT, JobKind.CLEAR, JobKind.CHANGE_SO_PIN)


class Rights(Protocol):
    """``app.storage.approval_record.StoredApprovals``."""

    def may(self, uid: str, permission: Permission, now: datetime) -> bool:
        """Whether the person is active and holds a role profile that carries the permission now."""


@dataclass(frozen=True)
class ReleasedSoPins:
    """What a desk gets.

    Attributes:
        so_pins: the card's SO PINs, the likeliest first, each wrapped to the desk's key.
        is_being_changed: the second is one that an interrupted change may have left on the card.
    """

    so_pins: tuple[bytes, ...]
    is_being_changed: bool


class ReleasingSoPins:
    """The steps with which a desk comes to a card's SO PIN. ``origin`` is the site's own."""

    def __init__(
        self, database: Database, certificate_authority: CertificateAuthority, origin: str, rights: Rights
    ) -> None:
        self._database = database
        self._certificate_authority = certificate_authority
        self._steps = CardJobSteps(database)
        self._origin = origin
        self._rights = rights

    def approve(
        self, job_token: str, job_id: str, *, statement: bytes, signature: bytes, certificate: bytes
    ) -> None:
        """Verify and keep one signature for the release of the SO PIN.

        A signature for another desk's key replaces all that were given for the former one, and an operator's
        new one their older one. Of two people each signs once.

        Raises:
            JobTokenNotValid, JobNotOpen, ApprovalNotValid, CannotWorkOnOwnCard, NotPermitted, AlreadySigned
        """
        signed = SignedApproval(statement, signature, certificate)
        may_export = self._may_export(statement)
        with self._steps.step(job_token, job_id, RELEASED_FOR, "card_job.approved") as (work, job):
            basis = basis_of(job)
            said, signer = verified_release(work, job, signed, self._origin)
            work.audit.details(certificate=_serial_number(certificate), signer=signer)
            if basis is ReleaseBasis.EXPORT and not may_export:
                raise NotPermitted("Whoever signs for an export must hold the right to it, as you do.")
            kept = replace(job, facts={**job.facts, "recipient": said.recipient_key})
            if basis is ReleaseBasis.HOLDER:
                work.card_jobs.save(with_own_signature(work, kept, signed))
                return
            if basis in BY_OPERATOR_ALONE or job.facts.get("recipient") != said.recipient_key:
                work.card_jobs.withdraw_approvals(job.id)
            work.card_jobs.approve(job, JobApproval(signer, statement, signature, certificate), work.now)
            work.card_jobs.save(_with_signature(work, kept, signer))

    def release(self, job_token: str, job_id: str, recipient_key: bytes) -> ReleasedSoPins:
        """The card's SO PINs for this desk alone.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, Unavailable, and what the certificate authority
            refuses
        """
        with self._steps.step(job_token, job_id, RELEASED_FOR, "so_pin.asked_for") as (work, job):
            require_job_status(job, JobStatus.APPROVED)
            order = _order(work, job, recipient_key)
            work.audit.details(basis=order.basis.value, recipient=sha256(recipient_key).hexdigest())
            work.card_jobs.save(with_step(job, "so_pin_released", work.now))
            is_being_changed = work.cards.is_so_pin_being_changed(order.card_serial)
        so_pins = self._certificate_authority.release_so_pin(order)
        if order.basis is ReleaseBasis.OFFLINE:
            self._end_with_response(job_token, job_id)
        if order.basis is ReleaseBasis.EXPORT:
            self._note_exported(job_token, job_id)
        return ReleasedSoPins(so_pins, is_being_changed)

    def escrow_key(self, job_token: str, job_id: str) -> bytes:
        """What the card's next SO PIN is wrapped to, PEM.

        Raises:
            JobTokenNotValid, JobStepOutOfOrder, Unavailable
        """
        self._steps.held(job_token, job_id, RELEASED_FOR)
        return self._certificate_authority.escrow_public_key()

    def keep_next(self, job_token: str, job_id: str, wrapped_so_pin: bytes) -> None:
        """Keep the card's next SO PIN in escrow; the desk sets it only after this. The earlier ones stay.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, InvalidInput
        """
        require_wrapped_so_pin(wrapped_so_pin)
        with self._steps.step(job_token, job_id, RELEASED_FOR, "so_pin.next_escrowed") as (work, job):
            require_job_status(job, JobStatus.APPROVED)
            assert job.card_serial is not None
            work.cards.escrow(job.card_serial, wrapped_so_pin, work.now, job_id=job.id)
            work.card_jobs.save(with_step(job, "next_so_pin_escrowed", work.now))

    def _may_export(self, statement: bytes) -> bool:
        """Looked up before the transaction; that the statement is the signer's own is verified in it."""
        try:
            signer = release_statement_from_untrusted(statement).signer
        except ApprovalNotValid:
            return False
        with self._database.read() as work:
            now = work.now
        return self._rights.may(signer, Permission.EXPORT_SO_PIN, now)

    def _end_with_response(self, job_token: str, job_id: str) -> None:
        """Nobody hears how a ward without network fares: the job ends with its response."""
        with self._steps.step(job_token, job_id, RELEASED_FOR, "card.unlock_response_given") as (work, job):
            settle_so_pin(work, job, SoPinOutcome(is_changed=False, reason="no network at the ward"))
            work.cards.mark_so_pin_seen(job.card_serial or "", work.now)
            work.card_jobs.save(done(job, "response_given", work.now))

    def _note_exported(self, job_token: str, job_id: str) -> None:
        """From now on people know it: the job stays open until the card has another one."""
        with self._steps.step(job_token, job_id, RELEASED_FOR, "so_pin.exported") as (work, job):
            signers = [each.signer_uid for each in work.card_jobs.approvals(job.id)]
            work.audit.details(signers=signers, reason_given=job.facts["reason"])
            exported = replace(job, facts={**job.facts, "exported": True})
            work.cards.mark_so_pin_seen(job.card_serial or "", work.now)
            work.card_jobs.save(with_step(exported, "so_pin_exported", work.now))


def without_earlier_signatures(work: Work, job: CardJob) -> CardJob:
    """The job as the next desk gets it: signatures for a release name the key of the desk before."""
    is_signed = job.kind in RELEASED_FOR and SIGNATURES[basis_of(job)] > 0
    if not is_signed or job.facts.get("exported"):
        return job
    work.card_jobs.withdraw_approvals(job.id)
    return replace(job, status=JobStatus.BEGUN)


def settle_so_pin(work: Work, job: CardJob, outcome: SoPinOutcome) -> None:
    """Record whether the card has its next SO PIN. Until then all that it may have are kept.

    Raises:
        JobStepOutOfOrder: none was put in escrow.
    """
    assert job.card_serial is not None
    if outcome.is_changed:
        if not work.cards.is_so_pin_being_changed(job.card_serial):
            raise JobStepOutOfOrder("The card's next SO PIN is not in escrow. Open the job again.")
        work.cards.confirm_so_pin(work.now, card_serial=job.card_serial)
    work.audit.details(
        so_pin="changed" if outcome.is_changed else "kept",
        **({} if outcome.is_changed else {"so_pin_reason": outcome.reason[:200]}),
    )


def _with_signature(work: Work, job: CardJob, signer: str) -> CardJob:
    """The job with one more signature; approved once it has all."""
    needed = SIGNATURES[basis_of(job)]
    if len(work.card_jobs.approvals(job.id)) < needed:
        return replace(with_step(job, f"signed_by_{signer}", work.now), status=JobStatus.BEGUN)
    return approved(job, "approved", work.now)


def _order(work: Work, job: CardJob, recipient_key: bytes) -> SoPinReleaseOrder:
    # Of a ward without network it is the challenge in place of a desk's key.
    challenge = job.facts.get("challenge")
    return SoPinReleaseOrder(
        job_id=job.id,
        holder_uid=job.uid,
        card_serial=job.card_serial or "",
        basis=basis_of(job),
        recipient_key=bytes.fromhex(str(challenge)) if challenge else recipient_key,
        approvals=signatures_of(work, job),
        reason=reason_of(job),
    )


def _serial_number(certificate: bytes) -> str:
    return serial_number_text(x509.load_der_x509_certificate(certificate).serial_number)
