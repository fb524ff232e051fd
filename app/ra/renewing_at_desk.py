"""The desk's part of a renewal, in steps that each leave the card working.

1. ``present_keys``: new keys lie on the card beside those in use; nobody has certified them
2. ``sign``: who approves signs for exactly these keys; with the last signature the renewal is approved
3. ``certify``: the authority checks everything again and makes the certificates; the old ones go on working
4. ``complete``: the card holds and has used the new ones; only now are the old ones withdrawn, in the same
   transaction. A sign-in with the new certificate does the same (``taking_into_use``), if the desk stopped
5. ``finish``: the old keys and certificates are gone from the card
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.domain.card_job import (
    CardJob,
    JobKind,
    JobStatus,
    JobStepOutOfOrder,
    require_job_status,
    require_other_than_holder,
)
from app.domain.certificate import CardCertificate
from app.domain.certificate_order import (
    CardCertificateOrder,
    CardCertificates,
    CertificatePurpose,
    RenewalApproval,
    SignedApproval,
    evidence_by_purpose,
)
from app.domain.desk_record import new_secret, with_step
from app.domain.issuance import CertificateRequestsChanged
from app.domain.json_value import JsonValue
from app.domain.renewal_job import RenewalFacts, Signing
from app.ra.card_job_steps import CardJobSteps, actor_of, done
from app.ra.certifying import CardKeys, card_keys_from_untrusted, issued_certificates, keep_revoked
from app.ra.completing import require_proof, require_read_back
from app.ra.desk_messages import as_base64, certificates_message
from app.ra.finding import require_person
from app.ra.ports import CertificateAuthority, Database, Work
from app.ra.signing_renewals import (
    fingerprints_of,
    is_kept,
    keep_signature,
    signatures_of,
    signers_of,
    verified_renewal_signer,
)
from app.ra.taking_into_use import take_into_use

_RENEW = JobKind.RENEW


class RenewingAtDesk:
    """The steps of renewals at desks. ``origin`` is the site's own."""

    def __init__(self, database: Database, certificate_authority: CertificateAuthority, origin: str) -> None:
        self._database = database
        self._certificate_authority = certificate_authority
        self._steps = CardJobSteps(database)
        self._origin = origin

    def told(self, work: Work, job: CardJob) -> Mapping[str, JsonValue]:
        """What the desk must know besides what every job tells."""
        facts = RenewalFacts.of(job.facts)
        return {
            "signing": facts.signing.value,
            "signed_as": facts.signing.signed_as.value,
            "signed_by": signers_of(work, job),
            "replaces": facts.replaces,
            "requests": _requests_message(facts),
            "certificates": _certificates_message(work, job),
            "in_use": facts.in_use,
            # One's own renewal is begun while signing in, which goes on afterwards.
            "page": "/sign-in/continue" if job.operator_uid is None else f"/card-jobs/{job.id}",
        }

    def present_keys(
        self,
        job_token: str,
        job_id: str,
        *,
        authentication_csr: bytes,
        content_commitment_csr: bytes,
        provenance: Mapping[str, JsonValue],
    ) -> None:
        """Record the new keys. Others may take their place until the authority may have signed; signatures
        for the earlier ones are then forgotten.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, CertificateRequestNotAcceptable,
            CertificateRequestsChanged
        """
        keys = card_keys_from_untrusted(authentication_csr, content_commitment_csr)
        with self._steps.step(job_token, job_id, _RENEW, "card_renewal.keys_presented") as (work, job):
            facts = RenewalFacts.of(job.facts)
            work.audit.details(keys=list(keys.fingerprints))
            if fingerprints_of(facts) == keys.fingerprints:
                return
            if facts.ordered:
                raise CertificateRequestsChanged(
                    "Certificates were made for other keys. Give this up and begin the renewal again."
                )
            work.card_jobs.withdraw_approvals(job.id)
            changed = _with_keys(facts, keys, provenance)
            _save(work, replace(job, status=JobStatus.BEGUN), changed, "keys_presented")

    def sign(self, job_token: str, job_id: str, approval: SignedApproval) -> None:
        """Verify and keep one signature; with the last one that is needed the renewal is approved.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, ApprovalNotValid, AlreadySigned, PersonClosed
        """
        with self._steps.step(job_token, job_id, _RENEW, "card_renewal.signed") as (work, job):
            facts = RenewalFacts.of(job.facts)
            if is_kept(work, job, facts, approval):
                return
            require_job_status(job, JobStatus.BEGUN)
            signer = verified_renewal_signer(work, job, facts, approval, self._origin)
            if facts.signing is not Signing.HOLDER:
                require_other_than_holder(signer, job.uid)
            work.audit.details(signer=signer, signed_as=facts.signing.signed_as.value)
            facts = keep_signature(work, job, facts, signer, approval)
            if len(signatures_of(work, job, facts)) == facts.signing.signatures:
                job = replace(job, status=JobStatus.APPROVED)
            _save(work, job, facts, "approved" if job.status is JobStatus.APPROVED else "signed")

    def certify(self, job_token: str, job_id: str) -> Mapping[str, JsonValue]:
        """Have the new keys certified. Asked again, it gives the same certificates.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, Unavailable, and what the authority refuses
        """
        with self._database.read() as work:
            known = _certificates_message(work, self._steps.held(job_token, job_id, _RENEW))
        if known is not None:
            return known
        with self._database.change() as work:
            job = work.card_jobs.get_to_change(job_id)
            assert job is not None
            require_job_status(job, JobStatus.APPROVED)
            facts = replace(RenewalFacts.of(job.facts), ordered=True)
            work.card_jobs.save(replace(job, facts=facts.as_json()))
            order = _order(work, job, facts)
        issued = self._certificate_authority.issue_card_certificates(order)
        return self._record(job, issued)

    def _record(self, known: CardJob, issued: CardCertificates) -> Mapping[str, JsonValue]:
        nonce, is_open = new_secret(), True
        actor = actor_of(known)
        with self._database.audited(actor, "card_renewal.certified", known.uid, job=known.id) as work:
            job = work.card_jobs.get_to_change(known.id)
            assert job is not None
            certificates = _issued(job, issued)
            is_open = job.status is JobStatus.APPROVED
            if is_open:
                for certificate in certificates:
                    work.certificates.add(certificate)
                facts = replace(RenewalFacts.of(job.facts), completion_nonce=nonce)
                _save(work, job, facts, "certified")
            else:
                keep_revoked(work, certificates)
            serials = [each.serial_number for each in certificates]
            work.audit.details(card=job.card_serial, certificates=serials)
        if not is_open:
            require_job_status(job, JobStatus.APPROVED)
        return certificates_message(issued.authentication, issued.content_commitment, nonce)

    def complete(self, job_token: str, job_id: str, *, read_back: Mapping[str, str], proof: bytes) -> None:
        """Verify that the card carries and has used its new certificates, and withdraw the old ones.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder, ReadBackDiffers, ProofNotValid,
            CardMoveNotAllowed, CardAlreadyHeld
        """
        if RenewalFacts.of(self._steps.held(job_token, job_id, _RENEW).facts).in_use:
            return
        with self._steps.step(job_token, job_id, _RENEW, "card.renewed") as (work, job):
            facts = RenewalFacts.of(job.facts)
            certificates = work.certificates.of_renewal(job.id)
            if not certificates:
                raise JobStepOutOfOrder("There are no new certificates yet. Open the job again.")
            require_read_back(certificates, read_back)
            require_proof(certificates[CertificatePurpose.AUTHENTICATION], facts.completion_nonce, proof)
            work.audit.details(uid=job.uid, withdrawn=take_into_use(work, job))

    def finish(self, job_token: str, job_id: str) -> None:
        """The old keys and certificates are gone from the card: nothing is left to do.

        Raises:
            JobTokenNotValid, JobNotOpen, JobStepOutOfOrder
        """
        if self._steps.held(job_token, job_id, _RENEW).status is JobStatus.DONE:
            return
        with self._steps.step(job_token, job_id, _RENEW, "card_renewal.finished") as (work, job):
            if not RenewalFacts.of(job.facts).in_use:
                raise JobStepOutOfOrder("The new certificates were not used yet. Open the job again.")
            work.card_jobs.save(done(job, "old_keys_removed", work.now))


def _save(work: Work, job: CardJob, facts: RenewalFacts, step: str) -> None:
    work.card_jobs.save(replace(with_step(job, step, work.now), facts=facts.as_json()))


def _with_keys(facts: RenewalFacts, keys: CardKeys, provenance: Mapping[str, JsonValue]) -> RenewalFacts:
    return replace(
        facts,
        authentication_csr=keys.authentication_csr,
        content_commitment_csr=keys.content_commitment_csr,
        provenance=provenance,
        holder_signature=None,
    )


def _order(work: Work, job: CardJob, facts: RenewalFacts) -> CardCertificateOrder:
    holder = require_person(work, job.uid)
    assert job.card_serial is not None
    return CardCertificateOrder(
        issuance_id=job.id,
        holder_uid=holder.uid,
        given_name=holder.given_name,
        family_name=holder.family_name,
        card_serial=job.card_serial,
        authentication_csr=facts.authentication_csr,
        content_commitment_csr=facts.content_commitment_csr,
        approval=RenewalApproval(tuple(signatures_of(work, job, facts))),
        evidence=evidence_by_purpose(facts.provenance),
    )


def _issued(job: CardJob, issued: CardCertificates) -> list[CardCertificate]:
    assert job.card_serial is not None
    return issued_certificates(issued, job.uid, job.card_serial, renewal_id=job.id)


def _requests_message(facts: RenewalFacts) -> dict[str, JsonValue] | None:
    if not facts.authentication_csr:
        return None
    return {
        "authentication": as_base64(facts.authentication_csr),
        "content_commitment": as_base64(facts.content_commitment_csr),
    }


def _certificates_message(work: Work, job: CardJob) -> dict[str, JsonValue] | None:
    stored = work.certificates.of_renewal(job.id)
    if not stored:
        return None
    return certificates_message(
        stored[CertificatePurpose.AUTHENTICATION].der,
        stored[CertificatePurpose.CONTENT_COMMITMENT].der,
        RenewalFacts.of(job.facts).completion_nonce,
    )
