"""Whoever signed an approval: known by a certificate of our own ledger that holds now, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from app.ca.ports import CertificateLedger, CertificateRecord
from app.ca.refusals import ApprovalTooOld, ApproverUnknown
from app.domain.approval import ApprovalNotValid, Signed, verify_approval
from app.domain.certificate_order import CertificatePurpose, SignedApproval, serial_number_text

MAXIMUM_STATEMENT_BYTES = 4096
MAXIMUM_CERTIFICATE_BYTES = 8192
CLOCKS_DIFFER_BY = timedelta(minutes=2)


@dataclass(frozen=True)
class Approver:
    """A person whose card signed a statement; user id and card are from our ledger."""

    uid: str
    card_serial: str


def verified_approver(ledger: CertificateLedger, approval: SignedApproval, now: datetime) -> Approver:
    """Who signed the approval, once the signature and the signer's certificate are verified.

    Raises:
        ApproverUnknown, ApprovalNotValid, AuthorityRevoked
    """
    record = _require_in_force(ledger, approval.certificate, now)
    if len(approval.statement) > MAXIMUM_STATEMENT_BYTES:
        raise ApprovalNotValid("The approval was not accepted: it is too long.")
    certificate = x509.load_der_x509_certificate(approval.certificate)
    verify_approval(certificate.public_key(), approval.signature, approval.statement)
    return Approver(record.intended.holder, record.intended.card_serial)


def _require_in_force(ledger: CertificateLedger, der: bytes, now: datetime) -> CertificateRecord:
    record, is_revoked = _find(ledger, der) or (None, False)
    if record is None or record.der != der:
        raise ApproverUnknown("The approval's certificate was not issued by this certificate authority.")
    intended = record.intended
    if intended.purpose is not CertificatePurpose.CONTENT_COMMITMENT:
        raise ApproverUnknown("The approval must be signed with the card's content-commitment key.")
    if is_revoked:
        raise ApproverUnknown("The operator's certificate is revoked. Use a card that is in force.")
    if not intended.not_before <= now <= intended.not_after:
        raise ApproverUnknown("The operator's certificate has expired. Renew the operator's card first.")
    return record


def _find(ledger: CertificateLedger, der: bytes) -> tuple[CertificateRecord, bool] | None:
    if len(der) > MAXIMUM_CERTIFICATE_BYTES:
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        return None
    return ledger.find_signer(serial_number_text(certificate.serial_number))


def require_recent(statement: Signed, maximum_age: timedelta, now: datetime) -> None:
    """Refuse a statement that was signed too long ago, or in the future.

    Raises:
        ApprovalTooOld
    """
    try:
        age = now - datetime.fromisoformat(statement.signed_at)
    except (ValueError, TypeError):
        raise ApprovalTooOld("The time of the approval cannot be read.") from None
    if not -CLOCKS_DIFFER_BY <= age <= maximum_age:
        raise ApprovalTooOld("The approval is too old. Undo the issuance and begin again.")
