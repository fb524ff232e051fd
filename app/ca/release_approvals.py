"""Whose signatures cover the release of an SO PIN: verified against our own ledger of certificates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from app.ca.approver import require_recent, verified_approver
from app.ca.ports import ApprovalRecord, CertificateLedger, JobOnRecord
from app.ca.refusals import ApprovalDiffers, ApproverMayNotUnlock, ReleaseNotApproved
from app.domain.certificate_order import SignedApproval
from app.domain.permission import Permission
from app.domain.renewal_statement import SignedAs
from app.domain.so_pin_release import (
    SIGNED_AS,
    ReleaseBasis,
    SoPinReleaseOrder,
    release_statement_from_untrusted,
)

SIGNED_WITHIN = timedelta(minutes=15)
_TWO = 2
#: For which kinds of jobs something is released on what, and what operators who sign must be allowed.
_COVERED = {
    ("unlock", ReleaseBasis.OPERATOR): Permission.UNLOCK_CARD,
    ("unlock", ReleaseBasis.OFFLINE): Permission.UNLOCK_CARD,
    ("unlock", ReleaseBasis.COLLEAGUES): None,
    ("unlock", ReleaseBasis.CODE): None,
    ("clear", ReleaseBasis.OPERATOR): Permission.CANCEL_CARD,
    ("export", ReleaseBasis.EXPORT): Permission.EXPORT_SO_PIN,
    ("change_so_pin", ReleaseBasis.HOLDER): None,
}


class ReleaseApprovals:
    """Requires the signatures that a release needs. ``origin`` is the site at which people sign."""

    def __init__(self, ledger: CertificateLedger, record: ApprovalRecord, origin: str) -> None:
        self._ledger = ledger
        self._record = record
        self._origin = origin

    def require(self, order: SoPinReleaseOrder, job: JobOnRecord, now: datetime) -> tuple[str, ...]:
        """Who signed; nobody when the release rests on a code.

        Raises:
            ReleaseNotApproved, ApproverMayNotUnlock, ApprovalDiffers, ApprovalNotValid
        """
        if (job.kind, order.basis) not in _COVERED:
            raise ReleaseNotApproved("An SO PIN is not released in this way.")
        signers = tuple(self._signer(order, job, approval, now) for approval in order.approvals)
        match order.basis:
            case ReleaseBasis.OPERATOR | ReleaseBasis.OFFLINE:
                self._require_operator(order, signers, job, now)
            case ReleaseBasis.COLLEAGUES:
                self._require_colleagues(order, signers, now)
            case ReleaseBasis.HOLDER:
                self._require_card_itself(order, now)
            case ReleaseBasis.EXPORT:
                self._require_two_operators(order, signers, job, now)
            case ReleaseBasis.CODE if signers:
                raise ReleaseNotApproved("An SO PIN is not released in this way.")
        return signers

    def _signer(
        self, order: SoPinReleaseOrder, job: JobOnRecord, approval: SignedApproval, now: datetime
    ) -> str:
        approver = verified_approver(self._ledger, approval, now)
        statement = release_statement_from_untrusted(approval.statement)
        signed_as = SIGNED_AS.get(order.basis, SignedAs.OPERATOR)
        ordered = {
            "job": (statement.job, order.job_id),
            "purpose": (statement.purpose, job.kind),
            "reason": (statement.reason, order.reason),
            "holder": (statement.holder, order.holder_uid),
            "card": (statement.card_serial, order.card_serial),
            "desk": (statement.recipient_key, sha256(order.recipient_key).hexdigest()),
            "site": (statement.origin, self._origin),
            "role": (statement.signed_as, signed_as.value),
        }
        for what, (approved, wanted) in ordered.items():
            if approved != wanted:
                raise ApprovalDiffers(f"The approval is for another {what}. Approve again.")
        if statement.signer != approver.uid:
            raise ApprovalDiffers("The approval is not signed by whom it names.")
        require_recent(statement, SIGNED_WITHIN, now)
        return approver.uid

    def _require_operator(
        self, order: SoPinReleaseOrder, signers: Sequence[str], job: JobOnRecord, now: datetime
    ) -> None:
        if len(signers) != 1 or signers[0] != job.operator_uid:
            raise ReleaseNotApproved("The operator who began this must sign it.")
        if signers[0] == order.holder_uid:
            raise ApproverMayNotUnlock("Nobody unlocks their own card as an operator.")
        self._require_right(order, signers, job, now)

    def _require_card_itself(self, order: SoPinReleaseOrder, now: datetime) -> None:
        """Not another card of the holder's: whoever has this one and its PIN gains nothing by its SO PIN."""
        signers = [verified_approver(self._ledger, each, now) for each in order.approvals]
        if [(each.uid, each.card_serial) for each in signers] != [(order.holder_uid, order.card_serial)]:
            raise ReleaseNotApproved("The card itself must sign that its SO PIN is changed.")

    def _require_two_operators(
        self, order: SoPinReleaseOrder, signers: Sequence[str], job: JobOnRecord, now: datetime
    ) -> None:
        if len(signers) != _TWO or job.operator_uid not in signers or not order.reason:
            raise ReleaseNotApproved("An SO PIN leaves escrow only when two people sign for it and say why.")
        if len({*signers, order.holder_uid}) != _TWO + 1:
            raise ApproverMayNotUnlock("Two different people must sign, neither of them the card's holder.")
        self._require_right(order, signers, job, now)

    def _require_right(
        self, order: SoPinReleaseOrder, signers: Sequence[str], job: JobOnRecord, now: datetime
    ) -> None:
        permission = _COVERED[job.kind, order.basis]
        if permission is None or not all(self._record.may(uid, permission, now) for uid in signers):
            raise ApproverMayNotUnlock("Whoever signed does not hold the right to this at present.")

    def _require_colleagues(self, order: SoPinReleaseOrder, signers: Sequence[str], now: datetime) -> None:
        if len(signers) != _TWO or len({*signers, order.holder_uid}) != _TWO + 1:
            raise ApproverMayNotUnlock("Two different colleagues must vouch, neither of them the holder.")
        if not all(self._record.is_colleague(uid, order.holder_uid, now) for uid in signers):
            raise ApproverMayNotUnlock("Whoever vouches must work at an organisation of the holder's.")
