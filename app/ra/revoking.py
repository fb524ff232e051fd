"""Revoking the certificates of a card: in our table at once, at the certificate authority soon after."""

from __future__ import annotations

from collections.abc import Iterable

from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.revocation import RevocationReason, reason_of_card_end
from app.ra.ports import Work


def revoke_certificates(work: Work, certificates: Iterable[CardCertificate], card_reason: str) -> list[str]:
    """Revoke those not yet revoked, with one announcement each; return their serial numbers.

    Sign-in refuses them from this transaction on. CRL, OCSP and the audit event of each revocation follow
    when the certificate authority has heard of it, within a second.
    """
    living = [each for each in certificates if each.status is not CertificateStatus.REVOKED]
    reason = reason_of_card_end(card_reason).value
    for certificate in living:
        serial_number = certificate.serial_number
        work.certificates.revoke(serial_number, work.now, reason)
        work.outbox.add("ca.revoke", serial_number, {"reason": reason, "revoked_at": work.now.isoformat()})
    return [certificate.serial_number for certificate in living]


def revoke_system_certificates(work: Work, asid: str, by: str) -> list[str]:
    """Revoke every certificate of a system that ends for good; return their serial numbers."""
    living = [each for each in work.system_certificates.of(asid) if each.revoked_at is None]
    for certificate in living:
        revoke_system_certificate(
            work, certificate.serial_number, by, RevocationReason.CESSATION_OF_OPERATION
        )
    return [each.serial_number for each in living]


def revoke_system_certificate(work: Work, serial_number: str, by: str, reason: RevocationReason) -> None:
    """Revoke a system's certificate in our table at once, and announce it to the certificate authority."""
    work.system_certificates.revoke(serial_number, work.now, by, reason.value)
    work.outbox.add("ca.revoke", serial_number, {"reason": reason.value, "revoked_at": work.now.isoformat()})
