"""The signatures of a renewal: each verified against what is known, and kept where it belongs."""

from __future__ import annotations

from dataclasses import replace

from app.domain.approval import require_signed_recently
from app.domain.card_job import CardJob, JobApproval, JobStepOutOfOrder
from app.domain.certificate_order import SignedApproval
from app.domain.renewal_job import RenewalFacts, Signing
from app.domain.renewal_statement import renewal_statement_from_untrusted
from app.ra.approving import require_all_as_known, verified_signer
from app.ra.certifying import card_keys_from_untrusted
from app.ra.finding import require_person
from app.ra.ports import Work
from app.ra.requesting import require_active


def verified_renewal_signer(
    work: Work, job: CardJob, facts: RenewalFacts, approval: SignedApproval, origin: str
) -> str:
    """The user id of whoever signed, once every part of the statement was verified.

    Raises:
        ApprovalNotValid, JobStepOutOfOrder, PersonClosed
    """
    statement = renewal_statement_from_untrusted(approval.statement)
    holder, fingerprints = require_person(work, job.uid), fingerprints_of(facts)
    require_active(holder)
    if fingerprints is None:
        raise JobStepOutOfOrder("The card's new keys come first. Open the job again.")
    signer = verified_signer(work, approval)
    wanted = {Signing.HOLDER: job.uid, Signing.OPERATOR: job.operator_uid}.get(facts.signing, signer.uid)
    require_all_as_known(
        {
            "the renewal": (statement.renewal, job.id),
            "the holder": (statement.holder, job.uid),
            "the holder's name": (statement.holder_name, holder.name),
            "the card": (statement.card_serial, job.card_serial),
            "the certificate": (statement.replaces, facts.replaces),
            "the keys": (statement.authentication_key, fingerprints[0]),
            "the signing key": (statement.content_commitment_key, fingerprints[1]),
            "who signs": (statement.signer, signer.uid),
            "whose card signs": (signer.uid, wanted),
            "as what one signs": (statement.signed_as, facts.signing.signed_as.value),
            "the site": (statement.origin, origin),
        }
    )
    require_signed_recently(statement, work.now)
    return signer.uid


def fingerprints_of(facts: RenewalFacts) -> tuple[str, str] | None:
    """SHA-256 of both new keys; None before the card made them."""
    if not facts.authentication_csr:
        return None
    return card_keys_from_untrusted(facts.authentication_csr, facts.content_commitment_csr).fingerprints


def signatures_of(work: Work, job: CardJob, facts: RenewalFacts) -> list[SignedApproval]:
    """The signatures that are kept, oldest first."""
    if facts.holder_signature is not None:
        return [facts.holder_signature]
    return [
        SignedApproval(each.statement, each.signature, each.certificate)
        for each in work.card_jobs.approvals(job.id)
    ]


def signers_of(work: Work, job: CardJob) -> list[str]:
    """Who signed."""
    if RenewalFacts.of(job.facts).holder_signature is not None:
        return [job.uid]
    return [each.signer_uid for each in work.card_jobs.approvals(job.id)]


def is_kept(work: Work, job: CardJob, facts: RenewalFacts, approval: SignedApproval) -> bool:
    """Whether this very signature was sent before."""
    if approval not in signatures_of(work, job, facts):
        return False
    work.audit.details(signer="the same again", signed_as=facts.signing.signed_as.value)
    return True


def keep_signature(
    work: Work, job: CardJob, facts: RenewalFacts, signer: str, approval: SignedApproval
) -> RenewalFacts:
    """Keep it: the holder's own with the facts, others' where the database lets nobody sign for oneself."""
    if facts.signing is Signing.HOLDER:
        return replace(facts, holder_signature=approval)
    kept = JobApproval(signer, approval.statement, approval.signature, approval.certificate)
    work.card_jobs.approve(job, kept, work.now)
    return facts
