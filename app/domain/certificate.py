"""A card's certificate as the registration authority keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.certificate_order import CertificatePurpose
from app.domain.provenance import NOTHING_KNOWN, Provenance


class CertificateStatus(StrEnum):
    """``issued``: signed, its card not yet active. ``active``: on an active card. ``revoked``: for good."""

    ISSUED = "issued"
    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True)
class CardCertificate:
    """A certificate for a key on a card.

    Attributes:
        serial_number: lower-case hexadecimal, as ``certificate_order.serial_number_text`` writes it.
        issuance_id, renewal_id: what it was made for, one of the two.
        spki_sha256: SHA-256 of the SubjectPublicKeyInfo, hexadecimal; one certificate a key.
        der: the whole certificate.
        reason: why it was revoked (RFC 5280 section 5.3.1).
        provenance: where its key was made, as the certificate authority has it on record.
    """

    serial_number: str
    purpose: CertificatePurpose
    uid: str
    card_serial: str
    issuance_id: str | None
    spki_sha256: str
    not_before: datetime
    not_after: datetime
    der: bytes
    status: CertificateStatus
    revoked_at: datetime | None = None
    reason: str | None = None
    renewal_id: str | None = None
    provenance: Provenance = NOTHING_KNOWN
