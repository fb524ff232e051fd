"""How a relying party proves who it is: private_key_jwt, nothing else.

Sources: RFC 7523 section 3, OpenID Connect Core 1.0 section 9, RFC 9700 section 2.5. An assertion works once.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from app.oidc.ports import OpenIDRecords
from app.oidc.refusals import InvalidClient
from app.oidc.relying_party import RelyingParty
from app.signin.opaque_value import hash_of

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
_CLOCK_SKEW_SECONDS = 30
_LONGEST_JTI = 200


@dataclass(frozen=True)
class ClientAssertion:
    """An assertion whose signature and claims are checked, but not yet that it is used once."""

    relying_party: RelyingParty
    jti_hash: str
    expires_at: datetime


class ClientAuthentication:
    """Authenticates relying parties.

    Args:
        audiences: what assertions may name as audience: our issuer and the endpoint's address.
    """

    def __init__(self, relying_parties: Mapping[str, RelyingParty], audiences: frozenset[str]) -> None:
        self._relying_parties = relying_parties
        self._audiences = audiences

    def authenticated(
        self, parameters: Mapping[str, str], records: OpenIDRecords, now: datetime
    ) -> RelyingParty:
        """The relying party that sent the request; its assertion is used up.

        Raises:
            InvalidClient
        """
        assertion = self.assertion_from_untrusted(parameters, now)
        if not records.claim_assertion(assertion.jti_hash, assertion.expires_at):
            raise InvalidClient("The client assertion was used before.")
        return assertion.relying_party

    def assertion_from_untrusted(self, parameters: Mapping[str, str], now: datetime) -> ClientAssertion:
        """Check everything that needs no database.

        Raises:
            InvalidClient
        """
        token = _only_assertion(parameters)
        relying_party = self._claimed_party(token, parameters.get("client_id"))
        claims = _claims_signed_by(relying_party, token)
        _require_issuer(claims, relying_party.client_id)
        _require_audience(claims, self._audiences)
        expires_at = _require_short_life(claims, relying_party.assertion_seconds, now)
        jti = _require_jti(claims)
        return ClientAssertion(relying_party, hash_of(f"{relying_party.client_id} {jti}"), expires_at)

    def _claimed_party(self, token: str, client_id: str | None) -> RelyingParty:
        claimed = _unverified_subject(token)
        relying_party = self._relying_parties.get(claimed)
        if relying_party is None or (client_id is not None and client_id != claimed):
            raise InvalidClient("The relying party is not registered, or client_id names another.")
        return relying_party


def _only_assertion(parameters: Mapping[str, str]) -> str:
    if "client_secret" in parameters:
        raise InvalidClient("Client secrets are not taken; use private_key_jwt.")
    if parameters.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in parameters:
        raise InvalidClient("The relying party must authenticate with private_key_jwt.")
    return parameters["client_assertion"]


def _unverified_subject(token: str) -> str:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error, RecursionError) as error:
        raise InvalidClient("The client assertion is no JWT with a subject.") from error


def _claims_signed_by(relying_party: RelyingParty, token: str) -> dict[str, Any]:
    for key in relying_party.keys:
        try:
            return jwt.decode(token, key, algorithms=list(ASSERTION_ALGORITHMS)).claims
        except (JoseError, ValueError):
            continue
    raise InvalidClient("The client assertion is not signed by a registered key.")


def _require_issuer(claims: Mapping[str, Any], client_id: str) -> None:
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidClient("The client assertion's iss and sub must both be the client_id.")


def _require_audience(claims: Mapping[str, Any], audiences: frozenset[str]) -> None:
    """Exactly one audience and it is us: an assertion that is also for others could be replayed by them."""
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if len(named) != 1 or named[0] not in audiences:
        raise InvalidClient("The client assertion's aud must be this provider alone.")


def _require_short_life(claims: Mapping[str, Any], longest_seconds: int, now: datetime) -> datetime:
    seconds = now.timestamp()
    expires = _time(claims, "exp")
    if not seconds - _CLOCK_SKEW_SECONDS < expires <= seconds + longest_seconds + _CLOCK_SKEW_SECONDS:
        raise InvalidClient(f"The client assertion has expired or lives over {longest_seconds} seconds.")
    for name in {"iat", "nbf"} & claims.keys():
        if _time(claims, name) > seconds + _CLOCK_SKEW_SECONDS:
            raise InvalidClient(f"The client assertion's {name} is in the future.")
    return datetime.fromtimestamp(expires + _CLOCK_SKEW_SECONDS, UTC)


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidClient(f"The client assertion's {name} is missing or no number.")
    return value


def _require_jti(claims: Mapping[str, Any]) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
        raise InvalidClient("The client assertion has no jti.")
    return jti
