"""Signed approvals: their form, the one of a card issuance, and how a signature is verified.

A statement is canonical JSON (sorted keys, no spaces, UTF-8), so that what was signed can be made again
from what is known and compared byte for byte. Its ``type`` says what is approved: no statement passes for
one of another type.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

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
    """What the operator approves: this card, for this holder, in this issuance; perhaps for hours only.

    ``desk_key`` signs the keys that the card then makes: ``app.domain.card_keys``.
    """

    issuance_id: str
    holder_uid: str
    holder_name: str
    card_serial: str
    card_profile: str
    operator_uid: str
    desk_key: str
    origin: str
    signed_at: str
    temporary_hours: int | None = None

    def canonical(self) -> bytes:
        """The bytes that are signed."""
        facts = {
            "issuance": self.issuance_id,
            "holder": self.holder_uid,
            "holder_name": self.holder_name,
            "card_serial": self.card_serial,
            "card_profile": self.card_profile,
            "operator": self.operator_uid,
            "desk_key": self.desk_key,
            "origin": self.origin,
            "signed_at": self.signed_at,
        }
        if self.temporary_hours is not None:
            facts[_TEMPORARY] = str(self.temporary_hours)
        return canonical_statement(CARD_ISSUANCE_STATEMENT, facts)


# Only a temporary access card's statement says it.
_TEMPORARY = "temporary_hours"
_ISSUANCE_FACTS = (
    "issuance",
    "holder",
    "holder_name",
    "card_serial",
    "card_profile",
    "operator",
    "desk_key",
    "origin",
    "signed_at",
)


def canonical_statement(kind: str, facts: Mapping[str, str]) -> bytes:
    """A statement of that type as it is signed: JSON with sorted keys and without spaces, UTF-8."""
    fields = {"type": kind, **facts}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def facts_from_untrusted(statement: bytes, kind: str, names: Collection[str]) -> dict[str, str]:
    """What a statement says, when it is exactly canonical, of that type, and says nothing else.

    Raises:
        ApprovalNotValid
    """
    try:
        parsed = json.loads(statement)
        facts = {name: _text(parsed[name]) for name in names}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _not_valid("it cannot be read") from None
    if canonical_statement(kind, facts) != statement:
        raise _not_valid("it is not in the agreed form")
    return facts


def statement_from_untrusted(statement: bytes) -> ApprovalStatement:
    """The statement, when it is exactly canonical and of our type.

    Raises:
        ApprovalNotValid
    """
    is_temporary = f'"{_TEMPORARY}":'.encode() in statement
    names = (*_ISSUANCE_FACTS, _TEMPORARY) if is_temporary else _ISSUANCE_FACTS
    facts = facts_from_untrusted(statement, CARD_ISSUANCE_STATEMENT, names)
    return ApprovalStatement(
        issuance_id=facts["issuance"],
        holder_uid=facts["holder"],
        holder_name=facts["holder_name"],
        card_serial=facts["card_serial"],
        card_profile=facts["card_profile"],
        operator_uid=facts["operator"],
        desk_key=facts["desk_key"],
        origin=facts["origin"],
        signed_at=facts["signed_at"],
        temporary_hours=_hours(facts[_TEMPORARY]) if is_temporary else None,
    )


def _hours(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise _not_valid("it does not say for how many hours the card is")
    return int(text)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 300:
        raise TypeError("not a short text")
    return value


class Signed(Protocol):
    """A statement that says when it was signed."""

    @property
    def signed_at(self) -> str: ...


def require_signed_recently(statement: Signed, now: datetime) -> None:
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
