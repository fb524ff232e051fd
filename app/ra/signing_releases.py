"""The signatures that a release of an SO PIN rests on: whose they are, what they say, where they are kept."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace

from app.domain.approval import require_signed_recently
from app.domain.card_job import CardJob, JobKind, require_other_than_holder
from app.domain.certificate_order import SignedApproval
from app.domain.json_value import JsonValue
from app.domain.renewal_statement import SignedAs
from app.domain.so_pin_release import (
    SIGNED_AS,
    ReleaseBasis,
    ReleaseStatement,
    release_statement_from_untrusted,
)
from app.errors import NotPermitted
from app.ra.approving import require_all_as_known, verified_signer
from app.ra.card_job_steps import approved
from app.ra.desk_messages import as_base64
from app.ra.finding import require_person
from app.ra.ports import Work
from app.ra.requesting import require_active

SIGNATURES = {
    ReleaseBasis.OPERATOR: 1,
    ReleaseBasis.OFFLINE: 1,
    ReleaseBasis.COLLEAGUES: 2,
    ReleaseBasis.CODE: 0,
    ReleaseBasis.EXPORT: 2,
    ReleaseBasis.HOLDER: 1,
}
BY_OPERATOR_ALONE = (ReleaseBasis.OPERATOR, ReleaseBasis.OFFLINE)


def basis_of(job: CardJob) -> ReleaseBasis:
    """What the release of the card's SO PIN rests on in this job."""
    return ReleaseBasis(str(job.facts["basis"]))


def reason_of(job: CardJob) -> str:
    """Why it is exported; empty when it is not."""
    return str(job.facts.get("reason", ""))


def are_colleagues(work: Work, uid: str, other_uid: str) -> bool:
    """Whether both hold a role that counts today at one organisation."""
    ours, theirs = (
        {role.organisation_code for role in work.role_profiles.of(each) if role.counts_on(work.now.date())}
        for each in (uid, other_uid)
    )
    return bool(ours & theirs)


def verified_release(
    work: Work, job: CardJob, signed: SignedApproval, origin: str
) -> tuple[ReleaseStatement, str]:
    said = release_statement_from_untrusted(signed.statement)
    holder = require_person(work, job.uid)
    if job.kind in (JobKind.UNLOCK, JobKind.CHANGE_SO_PIN):
        require_active(holder)
    signer = verified_signer(work, signed).uid
    if basis_of(job) is ReleaseBasis.HOLDER:
        require_all_as_known({"the holder": (signer, job.uid)})
    else:
        require_other_than_holder(signer, job.uid)
    if basis_of(job) is ReleaseBasis.COLLEAGUES and not are_colleagues(work, signer, job.uid):
        raise NotPermitted("Whoever vouches must work where the card's holder works.")
    _require_says_so(said, job, holder.name, origin, signer)
    if _is_operators_turn(work, job, said):
        require_all_as_known({"the operator": (signer, job.operator_uid)})
    require_signed_recently(said, work.now)
    return said, signer


def _require_says_so(
    said: ReleaseStatement, job: CardJob, holder_name: str, origin: str, signer: str
) -> None:
    signed_as = SIGNED_AS.get(basis_of(job), SignedAs.OPERATOR)
    require_all_as_known(
        {
            "the job": (said.job, job.id),
            "the purpose": (said.purpose, job.kind.value),
            "the reason": (said.reason, reason_of(job)),
            "the holder": (said.holder, job.uid),
            "the holder's name": (said.holder_name, holder_name),
            "the card": (said.card_serial, job.card_serial),
            "the signer": (said.signer, signer),
            "the signer's role": (said.signed_as, signed_as),
            "the site": (said.origin, origin),
        }
    )


def _is_operators_turn(work: Work, job: CardJob, said: ReleaseStatement) -> bool:
    """Whoever began it signs; of two people as the first."""
    if basis_of(job) is not ReleaseBasis.EXPORT:
        return basis_of(job) in BY_OPERATOR_ALONE
    signed = {each.signer_uid for each in work.card_jobs.approvals(job.id)}
    return job.operator_uid not in signed or job.facts.get("recipient") != said.recipient_key


def signatures_of(work: Work, job: CardJob) -> tuple[SignedApproval, ...]:
    own = job.facts.get("own_signature")
    if isinstance(own, dict):
        return (SignedApproval(**{name: b64decode(str(value)) for name, value in own.items()}),)
    return tuple(
        SignedApproval(each.statement, each.signature, each.certificate)
        for each in work.card_jobs.approvals(job.id)
    )


def with_own_signature(work: Work, job: CardJob, signed: SignedApproval) -> CardJob:
    """The holder's signature for their own card stays with the job: approvals are never the holder's."""
    own: dict[str, JsonValue] = {
        name: as_base64(getattr(signed, name)) for name in ("statement", "signature", "certificate")
    }
    return approved(replace(job, facts={**job.facts, "own_signature": own}), "approved", work.now)
