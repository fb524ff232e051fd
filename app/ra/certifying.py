"""From the card's CSRs to its certificates: record the intention, order, record the result.

The order to the certificate authority stands outside any transaction. A crash before it leaves the recorded
CSRs; a crash after it leaves certificates at the certificate authority, which answers the same order with the
same certificates, or revokes them when the issuance is undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.domain.actor import Actor
from app.domain.approval import statement_from_untrusted
from app.domain.card import CardStatus
from app.domain.card_keys import CardKeysStatement, require_signed_by_desk
from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.certificate_order import (
    CardCertificateOrder,
    CardCertificates,
    CertificatePurpose,
    SignedApproval,
    evidence_by_purpose,
    serial_number_text,
)
from app.domain.desk_record import JobStep, new_secret
from app.domain.issuance import (
    KEYS_PRESENTED,
    CardIssuance,
    CertificateRequestNotAcceptable,
    CertificateRequestsChanged,
    IssuanceNotOpen,
    IssuanceStatus,
    require_status,
)
from app.domain.json_value import JsonValue
from app.domain.provenance import Provenance
from app.errors import Refusal
from app.ra.finding import require_person
from app.ra.ports import CertificateAuthority, Database, Work
from app.ra.revoking import revoke_certificates


@dataclass(frozen=True)
class CardKeys:
    """Two CSRs that prove possession of two different keys. Made by ``card_keys_from_untrusted`` only.

    ``signature``: the desk's over both keys (``app.domain.card_keys``), not verified here.
    """

    authentication_csr: bytes
    content_commitment_csr: bytes
    fingerprints: tuple[str, str]
    signature: bytes | None


def card_keys_from_untrusted(
    authentication_csr: bytes, content_commitment_csr: bytes, signature: bytes | None = None
) -> CardKeys:
    """Read both CSRs (RFC 2986) and verify that each is signed with its own key.

    Raises:
        CertificateRequestNotAcceptable
    """
    fingerprints = (_fingerprint(authentication_csr), _fingerprint(content_commitment_csr))
    if fingerprints[0] == fingerprints[1]:
        raise CertificateRequestNotAcceptable(
            "The card offers one key for both purposes. It must have two: begin again with another card."
        )
    return CardKeys(authentication_csr, content_commitment_csr, fingerprints, signature)


def _fingerprint(unverified_csr: bytes) -> str:
    """SHA-256 of the SubjectPublicKeyInfo, hexadecimal."""
    try:
        csr = x509.load_der_x509_csr(unverified_csr)
        is_proof = csr.is_signature_valid
        public_key = csr.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature, x509.InvalidVersion):
        raise CertificateRequestNotAcceptable(
            "The card's certificate request cannot be read. Open the job again."
        ) from None
    if not is_proof:
        raise CertificateRequestNotAcceptable(
            "The card did not prove that it holds its key. Open the job again, or take another card."
        )
    return sha256(public_key).hexdigest()


class Certifying:
    """Orders and records the certificates of one issuance at a time."""

    def __init__(self, database: Database, certificate_authority: CertificateAuthority) -> None:
        self._database = database
        self._certificate_authority = certificate_authority

    def record_keys(
        self, work: Work, issuance: CardIssuance, keys: CardKeys, provenance: Mapping[str, JsonValue]
    ) -> CardCertificateOrder:
        """Keep the keys for which certificates will be ordered, and return the order.

        Only the same keys may come after that.

        Raises:
            IssuanceNotOpen, IssuanceStepOutOfOrder, CertificateRequestsChanged, ApprovalNotValid,
            InvalidInput
        """
        evidence_by_purpose(provenance)
        if issuance.status is IssuanceStatus.CERTIFIED and not same_keys(issuance, keys):
            raise CertificateRequestsChanged(
                "This card was certified for other keys. Undo the issuance and begin again."
            )
        require_status(issuance, IssuanceStatus.PERSONALISING)
        _require_of_the_approved_desk(issuance, keys)
        recorded = replace(
            issuance,
            authentication_csr=keys.authentication_csr,
            content_commitment_csr=keys.content_commitment_csr,
            keys_signature=keys.signature,
            provenance=provenance,
            steps=(*issuance.steps, JobStep(KEYS_PRESENTED, work.now, "done")),
        )
        work.issuances.save(recorded)
        return _order(work, recorded)

    def certify(
        self, actor: Actor, issuance: CardIssuance, order: CardCertificateOrder
    ) -> tuple[CardCertificates, str]:
        """Order, record the certificates and return them with the completion nonce.

        Ordering again gives the same certificates. Call it outside any transaction.

        Raises:
            Refusal: the certificate authority is not willing; and what ``record_certificates`` raises.
            Unavailable
        """
        issued = self._certificate_authority.issue_card_certificates(order)
        return issued, self.record_certificates(actor, issuance, issued)

    def finish(self, actor: Actor, issuance: CardIssuance) -> None:
        """Order and record again what a crash may have left half done; a refusal leaves it as it is.

        Raises:
            Unavailable
        """
        if issuance.authentication_csr is None:
            return
        with suppress(Refusal):
            with self._database.read() as work:
                order = _order(work, issuance)
            self.certify(actor, issuance, order)

    def record_certificates(self, actor: Actor, issuance: CardIssuance, issued: CardCertificates) -> str:
        """Keep the certificates and return the completion nonce; for an undone issuance, revoke them.

        Raises:
            IssuanceNotOpen: it was undone while the certificate authority signed.
            IssuanceStepOutOfOrder: another call recorded them meanwhile; ask again.
        """
        try:
            return self._record(actor, issuance, issued)
        except IssuanceNotOpen:
            with self._database.change() as work:
                keep_revoked(work, _certificates(_locked(work, issuance.id), issued))
            raise

    def _record(self, actor: Actor, known: CardIssuance, issued: CardCertificates) -> str:
        nonce = new_secret()
        with self._database.audited(actor, "card_issuance.certified", known.uid, issuance=known.id) as work:
            issuance = _locked(work, known.id)
            require_status(issuance, IssuanceStatus.PERSONALISING)
            certificates = _certificates(issuance, issued)
            _keep(work, issuance, certificates, nonce)
            serials = [each.serial_number for each in certificates]
            work.audit.details(card=issuance.card_serial, certificates=serials)
        return nonce


def _locked(work: Work, issuance_id: str) -> CardIssuance:
    issuance = work.issuances.get_to_change(issuance_id)
    assert issuance is not None
    return issuance


def same_keys(issuance: CardIssuance, keys: CardKeys) -> bool:
    """Whether the keys are those already recorded. Their CSRs may differ: signatures are not repeatable."""
    if issuance.authentication_csr is None or issuance.content_commitment_csr is None:
        return False
    recorded = card_keys_from_untrusted(issuance.authentication_csr, issuance.content_commitment_csr)
    return recorded.fingerprints == keys.fingerprints


def _require_of_the_approved_desk(issuance: CardIssuance, keys: CardKeys) -> None:
    """The certificate authority will ask the same; here the desk is told before anything is recorded."""
    if not isinstance(issuance.approval, SignedApproval):
        return
    authentication, content_commitment = keys.fingerprints
    presented = CardKeysStatement(issuance.id, issuance.card_serial or "", authentication, content_commitment)
    approved = statement_from_untrusted(issuance.approval.statement)
    require_signed_by_desk(presented, keys.signature or b"", approved.desk_key)


def _order(work: Work, issuance: CardIssuance) -> CardCertificateOrder:
    holder = require_person(work, issuance.uid)
    assert issuance.authentication_csr is not None
    assert issuance.content_commitment_csr is not None
    assert issuance.card_serial is not None
    assert issuance.approval is not None
    return CardCertificateOrder(
        issuance_id=issuance.id,
        holder_uid=holder.uid,
        given_name=holder.given_name,
        family_name=holder.family_name,
        card_serial=issuance.card_serial,
        authentication_csr=issuance.authentication_csr,
        content_commitment_csr=issuance.content_commitment_csr,
        approval=issuance.approval,
        keys_signature=issuance.keys_signature or b"",
        evidence=evidence_by_purpose(issuance.provenance or {}),
        temporary_hours=issuance.terms.temporary_hours,
    )


def _certificates(issuance: CardIssuance, issued: CardCertificates) -> list[CardCertificate]:
    assert issuance.card_serial is not None
    return issued_certificates(issued, issuance.uid, issuance.card_serial, issuance_id=issuance.id)


def issued_certificates(
    issued: CardCertificates,
    uid: str,
    card_serial: str,
    *,
    issuance_id: str | None = None,
    renewal_id: str | None = None,
) -> list[CardCertificate]:
    """The records of what the authority has just made, for an issuance or a renewal."""
    made = [_certificate(*each, uid, card_serial) for each in issued.each]
    return [replace(each, issuance_id=issuance_id, renewal_id=renewal_id) for each in made]


def _certificate(
    purpose: CertificatePurpose, der: bytes, provenance: Provenance, uid: str, card_serial: str
) -> CardCertificate:
    certificate = x509.load_der_x509_certificate(der)
    public_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return CardCertificate(
        serial_number=serial_number_text(certificate.serial_number),
        purpose=purpose,
        uid=uid,
        card_serial=card_serial,
        issuance_id=None,
        spki_sha256=sha256(public_key).hexdigest(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        der=der,
        status=CertificateStatus.ISSUED,
        provenance=provenance,
    )


def _keep(work: Work, issuance: CardIssuance, certificates: list[CardCertificate], nonce: str) -> None:
    work.certificates.add(*certificates)
    assert issuance.card_serial is not None
    card = work.cards.get_to_change(issuance.card_serial)
    assert card is not None
    work.cards.move(card, CardStatus.PERSONALISED)
    work.issuances.save(
        replace(
            issuance,
            status=IssuanceStatus.CERTIFIED,
            completion_nonce=nonce,
            steps=(*issuance.steps, JobStep("certified", work.now, "done")),
        )
    )


def keep_revoked(work: Work, certificates: list[CardCertificate]) -> None:
    """Keep certificates that came too late: what they were for was undone."""
    for certificate in certificates:
        if work.certificates.get(certificate.serial_number) is None:
            work.certificates.add(certificate)
            revoke_certificates(work, [certificate], "undone")
