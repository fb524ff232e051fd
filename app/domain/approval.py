"""The operator's signed approval of a card issuance: what it says and how its signature is verified.

The statement is canonical JSON (sorted keys, no spaces, UTF-8), so that what was signed can be made again
from what is known and compared byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from app.domain.certificate_order import CARD_ISSUANCE_STATEMENT
from app.errors import Refusal

SIGNED_WITHIN = timedelta(minutes=15)
_CLOCKS_DIFFER_BY = timedelta(minutes=2)


class ApprovalNotValid(Refusal):
    """The approval does not say what it should, or its signature does not fit."""

    code = "approval_not_valid"


@dataclass(frozen=True)
class ApprovalStatement:
    """What the operator approves: this card, for this holder, in this issuance."""

    issuance_id: str
    holder_uid: str
    holder_name: str
    card_serial: str
    card_profile: str
    operator_uid: str
    origin: str
    signed_at: str

    def canonical(self) -> bytes:
        """The bytes that are signed."""
        fields = {
            "type": CARD_ISSUANCE_STATEMENT,
            "issuance": self.issuance_id,
            "holder": self.holder_uid,
            "holder_name": self.holder_name,
            "card_serial": self.card_serial,
            "card_profile": self.card_profile,
            "operator": self.operator_uid,
            "origin": self.origin,
            "signed_at": self.signed_at,
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def statement_from_untrusted(statement: bytes) -> ApprovalStatement:
    """The statement, when it is exactly canonical and of our type.

    Raises:
        ApprovalNotValid
    """
    try:
        parsed = _statement_of(json.loads(statement))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _not_valid("it cannot be read") from None
    if parsed.canonical() != statement:
        raise _not_valid("it is not in the agreed form")
    return parsed


def _statement_of(fields: Mapping[str, Any]) -> ApprovalStatement:
    return ApprovalStatement(
        issuance_id=_text(fields["issuance"]),
        holder_uid=_text(fields["holder"]),
        holder_name=_text(fields["holder_name"]),
        card_serial=_text(fields["card_serial"]),
        card_profile=_text(fields["card_profile"]),
        operator_uid=_text(fields["operator"]),
        origin=_text(fields["origin"]),
        signed_at=_text(fields["signed_at"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 300:
        raise TypeError("not a short text")
    return value


def require_signed_recently(statement: ApprovalStatement, now: datetime) -> None:
    """Refuse an approval kept for later, or from a desk whose clock is wrong.

    Raises:
        ApprovalNotValid
    """
    try:
        signed_at = datetime.fromisoformat(statement.signed_at)
        age = now - signed_at
    except (ValueError, TypeError):
        raise _not_valid("its time cannot be read") from None
    if not -_CLOCKS_DIFFER_BY <= age <= SIGNED_WITHIN:
        raise _not_valid("it was not signed just now; check the clock of the desk's PC and approve again")


def verify_signature(public_key: PublicKeyTypes, signature: bytes, data: bytes) -> None:
    """Verify ES256 (raw r||s, RFC 7518 section 3.4), or RSASSA-PKCS1-v1_5 with SHA-256 for an RSA key.

    Raises:
        InvalidSignature: the signature does not fit, or the key is of another type.
    """
    if isinstance(public_key, ec.EllipticCurvePublicKey) and len(signature) == 64:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        public_key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    elif isinstance(public_key, rsa.RSAPublicKey):
        public_key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    else:
        raise InvalidSignature


def verify_approval(public_key: PublicKeyTypes, signature: bytes, statement: bytes) -> None:
    """Verify the operator's signature over the statement.

    Raises:
        ApprovalNotValid
    """
    try:
        verify_signature(public_key, signature, statement)
    except InvalidSignature:
        raise _not_valid("its signature does not fit the operator's certificate") from None


def _not_valid(why: str) -> ApprovalNotValid:
    return ApprovalNotValid(f"The approval was not accepted: {why}.")
