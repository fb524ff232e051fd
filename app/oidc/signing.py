"""The provider's signing keys: signs tokens, publishes the public halves, checks what it once signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from app.oidc.relying_party import SIGNING_ALGORITHMS

SigningKey = ECKey | RSAKey


class TokenNotOurs(ValueError):
    """The token was not signed by one of our keys."""


class SigningKeys:
    """One key for each algorithm, named by its ``alg``.

    Args:
        current: keys that sign; each knows its ``alg`` and ``kid``.
        also_published: keys that will sign next or signed before; relying parties shall know them too.
    """

    def __init__(self, current: Sequence[SigningKey], also_published: Sequence[SigningKey] = ()) -> None:
        self._by_algorithm = {str(key.alg): key for key in current}
        self._published = {str(key.kid): key for key in (*current, *also_published)}

    def sign(self, claims: Mapping[str, Any], algorithm: str, token_type: str = "JWT") -> str:  # noqa: S107  # a media type, no password
        """A signed JWT (RFC 7519) with the key's ``kid``."""
        key = self._by_algorithm[algorithm]
        header = {"alg": algorithm, "kid": str(key.kid), "typ": token_type}
        return jwt.encode(header, dict(claims), key, [algorithm])

    def public_jwks(self) -> dict[str, Any]:
        """The JWK Set (RFC 7517)."""
        return {"keys": [key.as_dict(private=False) for key in self._published.values()]}

    def claims_of_own_token(self, token: str) -> dict[str, Any]:
        """The claims of a token that we signed, expired or not.

        Raises:
            TokenNotOurs
        """
        for key in self._published.values():
            try:
                return jwt.decode(token, key, algorithms=list(SIGNING_ALGORITHMS)).claims
            except (JoseError, ValueError):
                continue
        raise TokenNotOurs("the token was not signed by one of our keys")
