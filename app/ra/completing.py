"""The last step of an issuance: what lies on the card is what was signed, and the card holds the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from app.domain.approval import verify_signature
from app.domain.card import CardStatus
from app.domain.certificate import CardCertificate
from app.domain.certificate_order import CertificatePurpose
from app.domain.issuance import CardIssuance, IssuanceStatus, ProofNotValid, ReadBackDiffers
from app.ra.changing_names import end_replaced_card
from app.ra.finding import require_person
from app.ra.ports import Work
from app.ra.requesting import require_active

_READ_BACK_NAMES = {
    CertificatePurpose.AUTHENTICATION: "authentication",
    CertificatePurpose.CONTENT_COMMITMENT: "content_commitment",
}


def complete_issuance(
    work: Work, issuance: CardIssuance, read_back: Mapping[str, str], proof: bytes
) -> CardIssuance:
    """Make the card its holder's working card: card, certificates, announcement in one transaction.

    Raises:
        ReadBackDiffers, ProofNotValid, PersonClosed, CardAlreadyHeld
    """
    require_active(require_person(work, issuance.uid))
    certificates = work.certificates.of_issuance(issuance.id)
    require_read_back(certificates, read_back)
    require_proof(certificates[CertificatePurpose.AUTHENTICATION], issuance.completion_nonce or "", proof)
    assert issuance.card_serial is not None
    card = work.cards.get_to_change(issuance.card_serial)
    assert card is not None
    if not card.is_temporary:
        end_replaced_card(work, issuance.uid)
    to = CardStatus.LOCKED if issuance.terms.is_locked else CardStatus.ACTIVE
    work.cards.activate(card, work.now, to)
    work.certificates.activate(issuance.id)
    work.outbox.add("directory.person", issuance.uid)
    return replace(issuance, status=IssuanceStatus.ACTIVE, finished_at=work.now)


def require_read_back(
    certificates: Mapping[CertificatePurpose, CardCertificate], read_back: Mapping[str, str]
) -> None:
    """Compare the SHA-256 (hexadecimal) of what the card gave back with the certificates.

    Raises:
        ReadBackDiffers
    """
    for purpose, name in _READ_BACK_NAMES.items():
        if read_back.get(name) != sha256(certificates[purpose].der).hexdigest():
            raise ReadBackDiffers(
                "The card does not carry the certificates that were made for it. Open the job again."
            )


def require_proof(certificate: CardCertificate, nonce: str, proof: bytes) -> None:
    """Refuse what is no signature over the completion nonce with the new authentication key.

    Raises:
        ProofNotValid
    """
    public_key = x509.load_der_x509_certificate(certificate.der).public_key()
    try:
        verify_signature(public_key, proof, nonce.encode())
    except InvalidSignature:
        raise ProofNotValid(
            "The card did not prove that it holds its key. Open the job again, or undo it."
        ) from None
