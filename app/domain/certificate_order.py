"""What the registration authority orders from the certificate authority, and what it gets back.

An order carries the evidence that it was approved; the certificate authority believes nothing else in it.
An order may be sent again as often as needed: the same requests for the same issuance give the same
certificates. Send it outside a database transaction: the certificate authority writes its audit event to
the same database before it signs, and would wait for a writer that waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.json_value import JsonValue
from app.domain.provenance import NOTHING_KNOWN, KeyEvidence, Provenance, evidence_from_untrusted

CARD_ISSUANCE_STATEMENT = "spine-ra/card-issuance/1"
CARD_RENEWAL_STATEMENT = "spine-ra/card-renewal/1"


class CertificatePurpose(StrEnum):
    """What a certificate is for. The value names its profile and its issuing CA's profile."""

    AUTHENTICATION = "authentication"
    CONTENT_COMMITMENT = "content-commitment"
    SYSTEM = "system"
    OCSP_SIGNER = "ocsp-signer"


class ApprovedBy(StrEnum):
    """Who approved an order, as the authority itself found it."""

    FOUNDING = "founding"
    OPERATOR = "operator"
    HOLDER = "holder"
    COLLEAGUES = "colleagues"
    TWO_PEOPLE = "two-people"


@dataclass(frozen=True)
class SignedApproval:
    """The operator's approval, signed with the content-commitment key of the operator's own card.

    Attributes:
        statement: canonical JSON (sorted keys, no spaces, UTF-8) of type ``spine-ra/card-issuance/1``.
        signature: over the statement; ES256 as raw r||s (RFC 7518 section 3.4), or RSASSA-PKCS1-v1_5 with
            SHA-256 when the operator's key is RSA.
        certificate: the operator's content-commitment certificate, DER.
    """

    statement: bytes
    signature: bytes
    certificate: bytes


@dataclass(frozen=True)
class FoundingApproval:
    """The order belongs to the founding record that was fixed at the key ceremony.

    Attributes:
        founding_digest: SHA-256 of the founding file, lower-case hexadecimal.
    """

    founding_digest: str


@dataclass(frozen=True)
class RenewalApproval:
    """The card is renewed: signed by its holder, by an operator, or by two colleagues of the holder.

    Attributes:
        signatures: one, or two of colleagues; statements of type ``spine-ra/card-renewal/1``
            (``app.domain.renewal_statement``), each with the signer's content-commitment certificate.
    """

    signatures: tuple[SignedApproval, ...]


OrderApproval = SignedApproval | FoundingApproval | RenewalApproval


@dataclass(frozen=True)
class CardCertificateOrder:
    """Two certificates for one card: authentication and content commitment.

    Attributes:
        issuance_id: of the card issuance that was approved.
        holder_uid: 12-digit user id.
        given_name, family_name: as they shall stand in the certificate.
        card_serial: serial number of the card that holds the keys.
        authentication_csr, content_commitment_csr: PKCS#10 requests (RFC 2986), DER, not yet verified.
        approval: the operator's signature, the founding record, or what approves a renewal.
        keys_signature: with an operator's approval, the desk's signature over the fingerprints of both keys
            (``app.domain.card_keys``); else empty.
        evidence: what the desk presented about where each key was made.
        temporary_hours: how long the certificates of a temporary access card last; None for a regular one.
    """

    issuance_id: str
    holder_uid: str
    given_name: str
    family_name: str
    card_serial: str
    authentication_csr: bytes
    content_commitment_csr: bytes
    approval: OrderApproval
    keys_signature: bytes = b""
    evidence: Mapping[CertificatePurpose, KeyEvidence] = field(default_factory=dict)
    temporary_hours: int | None = None


def evidence_by_purpose(provenance: Mapping[str, JsonValue]) -> dict[CertificatePurpose, KeyEvidence]:
    """What the desk presented about each key, as it is stored by the names that the desk uses.

    Raises:
        InvalidInput: it has another form.
    """
    people = (CertificatePurpose.AUTHENTICATION, CertificatePurpose.CONTENT_COMMITMENT)
    names = {purpose: purpose.value.replace("-", "_") for purpose in people}
    return {
        purpose: evidence_from_untrusted(provenance[name])
        for purpose, name in names.items()
        if name in provenance
    }


@dataclass(frozen=True)
class CardCertificates:
    """What the order gave: both certificates, and the CA certificates up to the root. All DER.

    Attributes:
        provenance: what the certificate authority has on record of where each key was made.
    """

    authentication: bytes
    content_commitment: bytes
    chain: tuple[bytes, ...]
    provenance: Mapping[CertificatePurpose, Provenance] = field(default_factory=dict)

    @property
    def each(self) -> tuple[tuple[CertificatePurpose, bytes, Provenance], ...]:
        """Purpose, DER and provenance of both."""
        ders = {
            CertificatePurpose.AUTHENTICATION: self.authentication,
            CertificatePurpose.CONTENT_COMMITMENT: self.content_commitment,
        }
        return tuple(
            (purpose, der, self.provenance.get(purpose, NOTHING_KNOWN)) for purpose, der in ders.items()
        )


@dataclass(frozen=True)
class SystemCertificateOrder:
    """A client certificate for an accredited system.

    Attributes:
        order_id: of the registration that was approved; the same order gives the same certificate.
        asid: the accredited system's id, 12 digits; becomes the common name.
        csr: PKCS#10 request, DER, not yet verified.
    """

    order_id: str
    asid: str
    csr: bytes


def serial_number_text(serial_number: int) -> str:
    """A certificate's serial number as it is written in the databases: lower-case hexadecimal, no prefix."""
    return f"{serial_number:x}"
