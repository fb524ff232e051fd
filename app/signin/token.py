"""The authentication token ``web-eid:1.0``: reading untrusted bytes into a checked shape.

Source: Web eID system architecture, "Authentication token format". Unknown fields are tolerated, as that
document asks for tokens of version 1.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from app.signin.refusals import (
    TokenAlgorithmNotSupported,
    TokenFormatNotSupported,
    TokenMalformed,
    TokenTooLong,
)

SHORTEST_TOKEN, LONGEST_TOKEN = 100, 10_000
SUPPORTED_ALGORITHMS = frozenset({"ES256", "ES384", "RS256"})
_FORMAT_PREFIX = "web-eid:1."


@dataclass(frozen=True)
class AuthenticationToken:
    """A token of the right shape; nothing in it is proven yet.

    Attributes:
        unverified_certificate: DER.
        algorithm: one of ``SUPPORTED_ALGORITHMS``.
        signature: r || s for ES256 and ES384, as long as the modulus for RS256.
    """

    unverified_certificate: bytes
    algorithm: str
    signature: bytes


def token_from_untrusted(sent: bytes) -> AuthenticationToken:
    """Read a token.

    Raises:
        TokenTooLong, TokenMalformed, TokenFormatNotSupported, TokenAlgorithmNotSupported
    """
    require_usual_length(sent)
    fields = _fields_from_untrusted(sent)
    require_supported_format(fields.get("format"))
    return AuthenticationToken(
        _bytes_from_base64(fields, "unverifiedCertificate"),
        _supported_algorithm(fields.get("algorithm")),
        _bytes_from_base64(fields, "signature"),
    )


def require_usual_length(sent: bytes) -> None:
    """Refuse what is too short or too long to be a token, before parsing it.

    Raises:
        TokenTooLong, TokenMalformed
    """
    if len(sent) > LONGEST_TOKEN:
        raise TokenTooLong(f"the token has {len(sent)} bytes, {LONGEST_TOKEN} are allowed")
    if len(sent) < SHORTEST_TOKEN:
        raise TokenMalformed(f"the token has only {len(sent)} bytes")


def _fields_from_untrusted(sent: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(sent)
    except (ValueError, RecursionError) as error:
        raise TokenMalformed("the token is not JSON") from error
    if not isinstance(fields, dict):
        raise TokenMalformed("the token is not a JSON object")
    return fields


def require_supported_format(name: object) -> None:
    """Refuse other formats than web-eid 1.

    Raises:
        TokenFormatNotSupported
    """
    if not isinstance(name, str) or not name.startswith(_FORMAT_PREFIX):
        raise TokenFormatNotSupported("the token's format is not web-eid:1")


def _supported_algorithm(name: object) -> str:
    if not isinstance(name, str) or name not in SUPPORTED_ALGORITHMS:
        raise TokenAlgorithmNotSupported("the token's algorithm is none of ES256, ES384, RS256")
    return name


def _bytes_from_base64(fields: dict[str, Any], name: str) -> bytes:
    text = fields.get(name)
    if not isinstance(text, str) or not text:
        raise TokenMalformed(f"the token has no {name}")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenMalformed(f"the token's {name} is not base64") from error


def bytes_of_fragment(text: str) -> bytes:
    """The token's JSON from the base64url text of the address; empty when it is no base64url."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
