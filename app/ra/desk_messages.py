"""The desk job as the card agent gets it: JSON with bytes in base64."""

from __future__ import annotations

from base64 import b64encode

from app.domain.certificate_order import CertificatePurpose
from app.domain.issuance import CardIssuance
from app.domain.json_value import JsonValue
from app.domain.pin_policy import PinPolicy
from app.ra.ports import Work
from app.ra.records import PersonReference
from app.ra.summaries import issuance_record


def job_message(
    work: Work, issuance: CardIssuance, card_profile: str, pin_policy: PinPolicy, escrow_key: bytes
) -> dict[str, JsonValue]:
    """The job. ``operator`` is null and ``founding`` true when the founding ceremony has approved already."""
    record = issuance_record(work, issuance)
    return {
        "id": issuance.id,
        "kind": "issue_card",
        "state": issuance.status.value,
        "founding": issuance.belongs_to_founding,
        "holder": _person(record.holder),
        "operator": _person(record.operator) if record.operator else None,
        "card_profile": card_profile,
        "card_serial": issuance.card_serial,
        "key_type": "EC-P256",
        "pin_policy": {"minimum": pin_policy.minimum, "maximum": pin_policy.maximum},
        "is_locked": issuance.terms.is_locked,
        "usable_from": issuance.terms.usable_from.isoformat() if issuance.terms.usable_from else None,
        "temporary_hours": issuance.terms.temporary_hours,
        "so_pin_escrow_key": escrow_key.decode(),
        "certificates": stored_certificates(work, issuance),
    }


def _person(person: PersonReference) -> dict[str, JsonValue]:
    return {"uid": person.uid, "name": person.name}


def certificates_message(
    authentication: bytes, content_commitment: bytes, completion_nonce: str
) -> dict[str, JsonValue]:
    """The certificates, and what the new authentication key must sign to complete."""
    return {
        "authentication": as_base64(authentication),
        "content_commitment": as_base64(content_commitment),
        "completion_nonce": completion_nonce,
    }


def stored_certificates(work: Work, issuance: CardIssuance) -> dict[str, JsonValue] | None:
    """The certificates of an issuance as recorded; None when there are none yet."""
    if issuance.completion_nonce is None:
        return None
    stored = work.certificates.of_issuance(issuance.id)
    if not stored:
        return None
    return certificates_message(
        stored[CertificatePurpose.AUTHENTICATION].der,
        stored[CertificatePurpose.CONTENT_COMMITMENT].der,
        issuance.completion_nonce,
    )


def as_base64(data: bytes) -> str:
    """Bytes as they stand in JSON."""
    return b64encode(data).decode()
