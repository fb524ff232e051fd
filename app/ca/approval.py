"""Whether an order was approved: checked here again, against what only the certificate authority knows.

The web process and the registration authority's database may be in wrong hands. What they cannot make is the
signature of an operator's card, whose certificate this authority issued and has not revoked.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from cryptography import x509

from app.ca.ports import ApprovalRecord, CertificateLedger, CertificateRecord, IssuanceOnRecord
from app.ca.refusals import (
    ApprovalDiffers,
    ApprovalTooOld,
    ApproverMayNotIssue,
    ApproverUnknown,
    FoundingRecordUnknown,
    IssuanceNotApproved,
    SelfIssuance,
)
from app.domain.approval import ApprovalNotValid, ApprovalStatement, statement_from_untrusted, verify_approval
from app.domain.certificate_order import (
    CardCertificateOrder,
    CertificatePurpose,
    FoundingApproval,
    SignedApproval,
    serial_number_text,
)

MAXIMUM_STATEMENT_BYTES = 4096
MAXIMUM_CERTIFICATE_BYTES = 8192
CLOCKS_DIFFER_BY = timedelta(minutes=2)


class ApprovalCheck:
    """Checks the approval of card certificate orders.

    Args:
        ledger: what this authority issued and revoked.
        record: the registration authority's record.
        origin: the web origin at which operators approve.
        maximum_age: how old a signed approval may be.
    """

    def __init__(
        self, ledger: CertificateLedger, record: ApprovalRecord, origin: str, maximum_age: timedelta
    ) -> None:
        self._ledger = ledger
        self._record = record
        self._origin = origin
        self._maximum_age = maximum_age

    def require_approved(self, order: CardCertificateOrder, now: datetime) -> str | None:
        """Refuse an order that nobody with the right to do so approved.

        Returns:
            The founder's name when the order belongs to the founding, so that the ledger takes it once.

        Raises:
            CertificateRefused, ApprovalNotValid: one refusal a check.
        """
        issuance = self._open_issuance(order, now)
        if isinstance(order.approval, FoundingApproval):
            self._require_founding(order, order.approval, issuance)
            return f"{order.given_name} {order.family_name}"
        self._require_signed(order, order.approval, issuance, now)
        return None

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
        certificate, operator_uid = self._operator_certificate(approval.certificate, now)
        statement = self._statement(approval)
        verify_approval(certificate.public_key(), approval.signature, approval.statement)
        self._require_same(order, statement)
        _require_operator(operator_uid, statement, issuance, order)
        self._require_recent(statement, now)

    def _operator_certificate(self, der: bytes, now: datetime) -> tuple[x509.Certificate, str]:
        """The approver's certificate and user id, both from our own ledger."""
        record = self._find(der)
        if record is None or record.der != der:
            raise ApproverUnknown("The approval's certificate was not issued by this certificate authority.")
        intended = record.intended
        if intended.purpose is not CertificatePurpose.CONTENT_COMMITMENT:
            raise ApproverUnknown("The approval must be signed with the card's content-commitment key.")
        if self._ledger.revocation(intended.serial_number) is not None:
            raise ApproverUnknown("The operator's certificate is revoked. Use a card that is in force.")
        if not intended.not_before <= now <= intended.not_after:
            raise ApproverUnknown("The operator's certificate has expired. Renew the operator's card first.")
        return x509.load_der_x509_certificate(der), intended.holder

    def _find(self, der: bytes) -> CertificateRecord | None:
        if len(der) > MAXIMUM_CERTIFICATE_BYTES:
            return None
        try:
            certificate = x509.load_der_x509_certificate(der)
        except (ValueError, x509.InvalidVersion):
            return None
        return self._ledger.find(serial_number_text(certificate.serial_number))

    @staticmethod
    def _statement(approval: SignedApproval) -> ApprovalStatement:
        if len(approval.statement) > MAXIMUM_STATEMENT_BYTES:
            raise ApprovalNotValid("The approval was not accepted: it is too long.")
        return statement_from_untrusted(approval.statement)

    def _require_same(self, order: CardCertificateOrder, statement: ApprovalStatement) -> None:
        ordered = {
            "issuance": (statement.issuance_id, order.issuance_id),
            "holder": (statement.holder_uid, order.holder_uid),
            "holder's name": (statement.holder_name, f"{order.given_name} {order.family_name}"),
            "card": (statement.card_serial, order.card_serial),
            "site": (statement.origin, self._origin),
        }
        for what, (approved, wanted) in ordered.items():
            if approved != wanted:
                raise ApprovalDiffers(f"The approval is for another {what}. Approve again.")

    def _require_recent(self, statement: ApprovalStatement, now: datetime) -> None:
        try:
            age = now - datetime.fromisoformat(statement.signed_at)
        except (ValueError, TypeError):
            raise ApprovalTooOld("The time of the approval cannot be read.") from None
        if not -CLOCKS_DIFFER_BY <= age <= self._maximum_age:
            raise ApprovalTooOld("The approval is too old. Undo the issuance and begin again.")


def _require_operator(
    operator_uid: str, statement: ApprovalStatement, issuance: IssuanceOnRecord, order: CardCertificateOrder
) -> None:
    if operator_uid == order.holder_uid:
        raise SelfIssuance("An operator cannot approve a card for themselves. Ask another one.")
    if statement.operator_uid != operator_uid or issuance.operator_uid != operator_uid:
        raise ApprovalDiffers("The approval is not signed by the operator of this issuance.")
    if not issuance.operator_may_issue:
        raise ApproverMayNotIssue("The operator does not hold the right to issue cards at present.")
