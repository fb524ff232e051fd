"""Whether an order was approved: checked here again, against what only the certificate authority knows.

The web process and the registration authority's database may be in wrong hands. What they cannot make is the
signature of an operator's card, whose certificate this authority issued and has not revoked.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from app.ca.approver import require_recent, verified_approver
from app.ca.csr import UnverifiedCsr, unproven_spki_sha256
from app.ca.ports import ApprovalRecord, CertificateLedger, IssuanceOnRecord
from app.ca.refusals import (
    ApprovalDiffers,
    ApproverMayNotIssue,
    FoundingRecordUnknown,
    IssuanceNotApproved,
    NotARenewal,
    SelfIssuance,
)
from app.ca.renewal import RenewalCheck
from app.domain.approval import ApprovalStatement, statement_from_untrusted
from app.domain.card_keys import CardKeysStatement, require_signed_by_desk
from app.domain.certificate_order import (
    ApprovedBy,
    CardCertificateOrder,
    FoundingApproval,
    RenewalApproval,
    SignedApproval,
)
from app.domain.certificate_profile import CertificateRules


class ApprovalCheck:
    """Checks the approval of card certificate orders.

    Args:
        ledger: what this authority issued and revoked.
        record: the registration authority's record.
        origin: the web origin at which operators approve.
        rules: how old a signed approval may be, and the rules of renewals.
    """

    def __init__(
        self, ledger: CertificateLedger, record: ApprovalRecord, origin: str, rules: CertificateRules
    ) -> None:
        self._ledger = ledger
        self._record = record
        self._origin = origin
        self._maximum_age = rules.approval_age
        self._renewals = RenewalCheck(ledger, record, origin, rules)

    def require_approved(self, order: CardCertificateOrder, now: datetime) -> ApprovedBy:
        """Refuse an order that nobody with the right to do so approved; answers whose approval it is.

        Raises:
            CertificateRefused, ApprovalNotValid, RenewalNotDue, CardMustBeSeen: one refusal a check.
        """
        issuance = self._open_issuance(order, now)
        if order.temporary_hours is not None and not isinstance(order.approval, SignedApproval):
            raise ApprovalDiffers("Only an operator's approval makes a temporary card. Approve again.")
        if isinstance(order.approval, RenewalApproval):
            return self._renewals.require_approved(order, issuance, now)
        if issuance.is_renewal:
            raise NotARenewal("The issuance on record is a renewal: it must be approved as one.")
        if isinstance(order.approval, FoundingApproval):
            self._require_founding(order, order.approval, issuance)
            return ApprovedBy.FOUNDING
        self._require_signed(order, order.approval, issuance, now)
        return ApprovedBy.OPERATOR

    def _open_issuance(self, order: CardCertificateOrder, now: datetime) -> IssuanceOnRecord:
        issuance = self._record.issuance(order.issuance_id, now)
        if issuance is None or not issuance.is_open:
            raise IssuanceNotApproved("There is no open issuance of this id. Begin a new one.")
        if (issuance.holder_uid, issuance.card_serial) != (order.holder_uid, order.card_serial):
            raise IssuanceNotApproved("The issuance on record is for another holder or card.")
        return issuance

    def _require_founding(
        self, order: CardCertificateOrder, approval: FoundingApproval, issuance: IssuanceOnRecord
    ) -> None:
        fixed = self._ledger.founding_digest()
        if not fixed or not hmac.compare_digest(fixed.encode(), approval.founding_digest.encode()):
            raise FoundingRecordUnknown("The key ceremony fixed another founding record than this one.")
        if issuance.operator_uid is not None:
            raise IssuanceNotApproved("The issuance on record has an operator: the operator must approve it.")

    def _require_signed(
        self, order: CardCertificateOrder, approval: SignedApproval, issuance: IssuanceOnRecord, now: datetime
    ) -> None:
        approver = verified_approver(self._ledger, approval, now)
        statement = statement_from_untrusted(approval.statement)
        self._require_same(order, statement)
        require_signed_by_desk(_keys_ordered(order), order.keys_signature, statement.desk_key)
        _require_operator(approver.uid, statement, issuance, order)
        require_recent(statement, self._maximum_age, now)

    def _require_same(self, order: CardCertificateOrder, statement: ApprovalStatement) -> None:
        ordered: dict[str, tuple[object, object]] = {
            "issuance": (statement.issuance_id, order.issuance_id),
            "holder": (statement.holder_uid, order.holder_uid),
            "holder's name": (statement.holder_name, f"{order.given_name} {order.family_name}"),
            "card": (statement.card_serial, order.card_serial),
            "site": (statement.origin, self._origin),
            "length of time": (statement.temporary_hours, order.temporary_hours),
        }
        for what, (approved, wanted) in ordered.items():
            if approved != wanted:
                raise ApprovalDiffers(f"The approval is for another {what}. Approve again.")


def _keys_ordered(order: CardCertificateOrder) -> CardKeysStatement:
    return CardKeysStatement(
        issuance=order.issuance_id,
        card_serial=order.card_serial,
        authentication_key=unproven_spki_sha256(UnverifiedCsr(order.authentication_csr)),
        content_commitment_key=unproven_spki_sha256(UnverifiedCsr(order.content_commitment_csr)),
    )


def _require_operator(
    operator_uid: str, statement: ApprovalStatement, issuance: IssuanceOnRecord, order: CardCertificateOrder
) -> None:
    if operator_uid == order.holder_uid:
        raise SelfIssuance("An operator cannot approve a card for themselves. Ask another one.")
    if statement.operator_uid != operator_uid or issuance.operator_uid != operator_uid:
        raise ApprovalDiffers("The approval is not signed by the operator of this issuance.")
    if not issuance.operator_may_issue:
        raise ApproverMayNotIssue("The operator does not hold the right to issue cards at present.")
