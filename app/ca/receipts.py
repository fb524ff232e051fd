"""Receipts: the complete reason of an order's certificates, kept from before they are signed.

The reason is recorded with the intention, in the same transaction, so that a crash loses nothing of it. When
the certificates are signed, the receipt is made of it, signed by the audit's key, and its hash is written
into the audit, whose head is sealed: so no receipt can be changed, or made later for what was not ordered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from app.ca.csr import spki_sha256
from app.ca.ports import CertificateLedger, CertificateRecord
from app.ca.receipt_ports import MadeReceipt
from app.ca.refusals import CertificateUnknown
from app.domain.actor import Actor
from app.domain.audit_chain import instant_text
from app.domain.audit_event import AuditEvent
from app.domain.certificate_order import (
    ApprovedBy,
    CardCertificateOrder,
    CertificatePurpose,
    SystemCertificateOrder,
)
from app.domain.json_value import JsonValue, canonical_json
from app.domain.provenance import KeyEvidence
from app.domain.receipt import RECEIPT_TYPE, approval_facts, base64_text, receipt_document

_ACTOR = Actor.system("ca")


@dataclass(frozen=True)
class Reason:
    """Why an order is carried out.

    Attributes:
        order: id, holder, names, card, as ordered.
        requests: the CSR of each certificate by its purpose, base64.
        approval: signatures with the signers' certificates, or the founding record.
        on_record: what the registration authority's database said of the holder's registration and evidence.
        attestation: for each purpose, what the card and its module presented about its key.
    """

    order: Mapping[str, JsonValue]
    requests: Mapping[str, JsonValue]
    approval: Mapping[str, JsonValue]
    approved_by: ApprovedBy
    on_record: Mapping[str, JsonValue]
    attestation: Mapping[str, JsonValue]

    def facts(self, lint: Sequence[JsonValue]) -> dict[str, JsonValue]:
        """As JSON values, with what passed each certificate in ``lint``."""
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__}, "lint": lint}


def card_reason(
    order: CardCertificateOrder, approved_by: ApprovedBy, on_record: Mapping[str, JsonValue]
) -> Reason:
    """Why the certificates of a card are issued."""
    names = ("holder_uid", "given_name", "family_name", "card_serial")
    ordered: dict[str, JsonValue] = {
        "id": order.issuance_id,
        **{name: getattr(order, name) for name in names},
    }
    requests: dict[str, JsonValue] = {
        CertificatePurpose.AUTHENTICATION.value: base64_text(order.authentication_csr),
        CertificatePurpose.CONTENT_COMMITMENT.value: base64_text(order.content_commitment_csr),
    }
    presented = {purpose.value: _attestation(each) for purpose, each in order.evidence.items()}
    approval = {**approval_facts(order.approval), "keys_signature": base64_text(order.keys_signature)}
    return Reason(ordered, requests, approval, approved_by, on_record, presented)


def _attestation(presented: KeyEvidence) -> dict[str, JsonValue]:
    return {
        "claims": dict(presented.claims),
        "method": presented.method.value if presented.method else "",
        "proof": [base64_text(each) for each in presented.proof],
    }


def system_reason(order: SystemCertificateOrder, on_record: Mapping[str, JsonValue]) -> Reason:
    """Why a system's certificate is issued."""
    ordered: dict[str, JsonValue] = {"id": order.order_id, "asid": order.asid}
    requests: dict[str, JsonValue] = {CertificatePurpose.SYSTEM.value: base64_text(order.csr)}
    return Reason(ordered, requests, {"signatures": []}, ApprovedBy.TWO_PEOPLE, on_record, {})


class Receipts:
    """Makes and gives out receipts.

    Args:
        key: the audit's key.
        chain: the certificates of the issuing CAs and the root, DER.
        profiles_sha256: of the profiles file in force.
    """

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        ledger: CertificateLedger,
        chain: Sequence[bytes],
        profiles_sha256: str,
    ) -> None:
        self._key = key
        self._key_id = spki_sha256(key.public_key())
        self._ledger = ledger
        self._chain = [base64_text(each) for each in chain]
        self._profiles_sha256 = profiles_sha256

    def make(
        self, reason: Mapping[str, JsonValue], records: Sequence[CertificateRecord], now: datetime
    ) -> MadeReceipt:
        """The receipt of an order that is carried out for this reason, to be kept with its certificates."""
        signed = canonical_json(self._facts(reason, records, now))
        document = receipt_document(signed, self._key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return MadeReceipt(records[0].intended.order_id, document, sha256(document).hexdigest())

    def of(self, serial_number: str) -> bytes:
        """The receipt of the order that a certificate belongs to.

        Raises:
            CertificateUnknown: none was issued with this number, or its receipt is not there yet.
        """
        document = self._ledger.receipt(serial_number)
        if document is None:
            raise CertificateUnknown("There is no receipt of a certificate with this serial number.")
        return document

    def _facts(
        self, reason: Mapping[str, JsonValue], records: Sequence[CertificateRecord], now: datetime
    ) -> dict[str, JsonValue]:
        return {
            "type": RECEIPT_TYPE,
            "reason": reason,
            "certificates": [_certificate(each) for each in records],
            "chain": self._chain,
            "profiles_sha256": self._profiles_sha256,
            "made_at": instant_text(now),
            "key_id": self._key_id,
        }


def _certificate(record: CertificateRecord) -> dict[str, JsonValue]:
    assert record.der is not None, "receipts are made of what is signed"
    intended = record.intended
    return {
        "purpose": intended.purpose.value,
        "issuing_ca": intended.issuing_ca,
        "serial_number": intended.serial_number,
        "provenance": intended.provenance,
        "certificate": base64_text(record.der),
    }


def kept_event(order_id: str, digest: str) -> AuditEvent:
    """The event that ties a receipt to the sealed audit."""
    return AuditEvent.by(_ACTOR, "certificate.receipt_kept", order_id[:200], {"sha256": digest})
