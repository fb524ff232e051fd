"""What a desk signs about the keys that a new card has made, so that the operator's approval reaches them.

The operator's card approves before the new card is touched, so the keys to be certified do not exist yet. The
approval names a key instead that the desk made for this one run and never writes down: its desk key. With it
the desk signs the keys that came out of the card. Whoever stands between desk and certificate authority can
put neither other keys in their place nor another desk.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.domain.approval import ApprovalNotValid, canonical_statement, verify_signature

CARD_KEYS_STATEMENT = "spine-ra/card-keys/1"


@dataclass(frozen=True)
class CardKeysStatement:
    """Which keys the card made in this issuance.

    Attributes:
        issuance, card_serial: as in the operator's approval.
        authentication_key, content_commitment_key: SHA-256 of each SubjectPublicKeyInfo, hexadecimal.
    """

    issuance: str
    card_serial: str
    authentication_key: str
    content_commitment_key: str

    def canonical(self) -> bytes:
        """The bytes that are signed."""
        return canonical_statement(CARD_KEYS_STATEMENT, dict(vars(self)))


def require_signed_by_desk(statement: CardKeysStatement, signature: bytes, desk_key: str) -> None:
    """Refuse keys that the approved desk did not sign.

    Args:
        signature: ES256 as raw r||s (RFC 7518 section 3.4).
        desk_key: as the approval names it: SubjectPublicKeyInfo of a P-256 key, DER in base64.

    Raises:
        ApprovalNotValid
    """
    try:
        verify_signature(_desk_key(desk_key), signature, statement.canonical())
    except InvalidSignature:
        raise ApprovalNotValid(
            "The approval was not accepted: it is not for the keys of this card. Approve again at the desk."
        ) from None


def _desk_key(text: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ApprovalNotValid("The approval was not accepted: it names no key of the desk. Approve again.")
    return key
