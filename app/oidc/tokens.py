"""The token endpoint: a code or a refresh token for tokens, each working once.

Sources: OpenID Connect Core 1.0 section 3.1.3, RFC 6749 sections 4.1.3 and 6, RFC 7636 section 4.6,
RFC 9700 section 4.14 (refresh token rotation). When a code or refresh token comes a second time, everything
that came from it is revoked: one of the two who presented it has stolen it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.oidc.assurance import AMR, ASSURANCE_LEVEL
from app.oidc.caller import Caller
from app.oidc.client_authentication import ClientAuthentication
from app.oidc.grant import Grant, StoredCode, StoredToken
from app.oidc.parameters import SentParameters, required, single_values
from app.oidc.ports import OpenIDDatabase, OpenIDWork
from app.oidc.refusals import InvalidGrant, ProtocolError, UnauthorizedClient, UnsupportedGrantType
from app.oidc.relying_party import RelyingParty
from app.oidc.signing import SigningKeys
from app.signin.opaque_value import hash_of, new_id, new_value

ACCESS_TOKEN_LIFETIME = timedelta(hours=1)
ID_TOKEN_LIFETIME = timedelta(hours=1)
REFRESH_TOKEN_LIFETIME = timedelta(hours=10)


ID_TOKEN_CLAIMS = (
    *("iss", "sub", "aud", "azp", "iat", "exp", "jti", "auth_time", "acr", "amr", "sid", "at_hash", "nonce"),
    *("authentication_assurance_level", "id_assurance_level", "selected_roleid"),
)


_ISSUED = "openid.tokens_issued"


class Exchanging:
    """Answers token requests."""

    def __init__(
        self, database: OpenIDDatabase, authentication: ClientAuthentication, keys: SigningKeys, issuer: str
    ) -> None:
        self._database = database
        self._authentication = authentication
        self._keys = keys
        self._issuer = issuer

    def answer(self, sent: SentParameters, caller: Caller) -> dict[str, Any]:
        """The token response.

        Raises:
            ProtocolError: one of its kinds. What the attempt used up (assertion, code) stays used up, and
                what it revoked stays revoked: the refusal is raised after the transaction has committed.
        """
        parameters = single_values(sent)
        with self._database.change() as work:
            outcome = self._outcome(work, parameters, caller)
        if isinstance(outcome, ProtocolError):
            raise outcome
        return outcome

    def _outcome(
        self, work: OpenIDWork, parameters: Mapping[str, str], caller: Caller
    ) -> dict[str, Any] | ProtocolError:
        client_id = ""
        try:
            party = self._authentication.authenticated(parameters, work.openid, work.now)
            client_id = party.client_id
            grant_id, grant = self._claimed(work, party, parameters)
        except ProtocolError as refusal:
            event = caller.event(_ISSUED, client_id, {"why": str(refusal)})
            work.audit.record(event.refused(refusal.code))
            return refusal
        details = {"grant": grant_id, "uid": grant.uid, "session": grant.session_id}
        work.audit.record(caller.event(_ISSUED, client_id, details))
        return self._issued(work, party, grant_id, grant)

    def _claimed(
        self, work: OpenIDWork, party: RelyingParty, parameters: Mapping[str, str]
    ) -> tuple[str, Grant]:
        grant_type = required(parameters, "grant_type")
        if grant_type == "authorization_code":
            return self._claimed_code(work, party, parameters)
        if grant_type == "refresh_token":
            return self._claimed_refresh_token(work, party, parameters)
        raise UnsupportedGrantType("The grant type must be authorization_code or refresh_token.")

    def _claimed_code(
        self, work: OpenIDWork, party: RelyingParty, parameters: Mapping[str, str]
    ) -> tuple[str, Grant]:
        code = work.openid.claim_code(hash_of(required(parameters, "code")))
        if code is None:
            raise InvalidGrant("The code is unknown, or its session has ended.")
        if not code.is_first_use:
            work.openid.revoke_grant(code.grant_id)
            raise InvalidGrant("The code was used before.")
        require_own(code.grant, party)
        require_same_exchange(code, parameters, work.now)
        return code.grant_id, code.grant

    def _claimed_refresh_token(
        self, work: OpenIDWork, party: RelyingParty, parameters: Mapping[str, str]
    ) -> tuple[str, Grant]:
        if not party.may_refresh:
            raise UnauthorizedClient("This relying party is not registered for refresh tokens.")
        token = work.openid.claim_refresh_token(hash_of(required(parameters, "refresh_token")))
        if token is None:
            raise InvalidGrant("The refresh token is unknown, expired or revoked, or its session has ended.")
        if not token.is_first_use:
            work.openid.revoke_grant(token.grant_id)
            raise InvalidGrant("The refresh token was used before.")
        require_own(token.grant, party)
        return token.grant_id, token.grant

    def _issued(self, work: OpenIDWork, party: RelyingParty, grant_id: str, grant: Grant) -> dict[str, Any]:
        lifetimes = {"access": ACCESS_TOKEN_LIFETIME}
        if party.may_refresh:
            lifetimes["refresh"] = REFRESH_TOKEN_LIFETIME
        values = {kind: new_value() for kind in lifetimes}
        work.openid.add_tokens(
            [
                (hash_of(values[kind]), StoredToken(kind, grant_id, grant, work.now, work.now + lifetime))
                for kind, lifetime in lifetimes.items()
            ]
        )
        id_token = id_token_claims(self._issuer, grant, values["access"], work.now)
        return {
            "access_token": values["access"],
            "token_type": "Bearer",
            "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": " ".join(grant.scopes),
            "id_token": self._keys.sign(id_token, party.id_token_algorithm),
            **({"refresh_token": values["refresh"]} if "refresh" in values else {}),
        }


def require_own(grant: Grant, party: RelyingParty) -> None:
    """Refuse what was given to another relying party.

    Raises:
        InvalidGrant
    """
    if grant.client_id != party.client_id:
        raise InvalidGrant("This was issued to another relying party.")


def require_same_exchange(code: StoredCode, parameters: Mapping[str, str], now: datetime) -> None:
    """Refuse a code that has expired, or comes with another redirect_uri or verifier than it was asked with.

    Raises:
        InvalidGrant
    """
    if now >= code.expires_at:
        raise InvalidGrant("The code has expired.")
    if parameters.get("redirect_uri") != code.redirect_uri:
        raise InvalidGrant("The redirect_uri is not the one the code was asked with.")
    challenge = _base64url(hashlib.sha256(parameters.get("code_verifier", "").encode()).digest())
    if not hmac.compare_digest(challenge, code.code_challenge):
        raise InvalidGrant("The code_verifier does not fit the code_challenge.")


def id_token_claims(issuer: str, grant: Grant, access_token: str, now: datetime) -> dict[str, Any]:
    """The ID Token's claims (OpenID Connect Core sections 2 and 3.1.3.6)."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": grant.uid,
        "aud": grant.client_id,
        "azp": grant.client_id,
        "iat": issued,
        "exp": issued + int(ID_TOKEN_LIFETIME.total_seconds()),
        "jti": new_id(),
        "auth_time": grant.auth_time,
        "acr": grant.acr,
        "amr": list(AMR),
        "sid": grant.session_id,
        "at_hash": _base64url(hashlib.sha256(access_token.encode()).digest()[:16]),
        "authentication_assurance_level": ASSURANCE_LEVEL,
        "id_assurance_level": ASSURANCE_LEVEL,
    }
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if grant.role_profile_id is not None and "selectedrole" in grant.scopes:
        claims["selected_roleid"] = grant.role_profile_id
    return claims


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
