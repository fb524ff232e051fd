"""Reading an authorization request: first where an answer may go, then what is asked for.

Sources: OpenID Connect Core 1.0 sections 3.1.2.1 and 5.5, RFC 6749 section 4.1.1, RFC 7636 section 4.3
(PKCE, S256 only), RFC 9700 section 2.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.oidc.assurance import DEFAULT_ACR, acr_for
from app.oidc.claims import single_claims_within
from app.oidc.parameters import SentParameters, required, single_values
from app.oidc.refusals import (
    InvalidRequest,
    InvalidScope,
    RedirectUriNotRegistered,
    RequestNotSupported,
    RequestUriNotSupported,
    UnknownRelyingParty,
    UnmetAuthenticationRequirements,
    UnsupportedResponseType,
)
from app.oidc.relying_party import RelyingParty
from app.oidc.signing import SigningKeys, TokenNotOurs

PROMPTS = frozenset({"none", "login", "select_account", "consent"})
# BASE64URL(SHA-256): 43 characters (RFC 7636 section 4.2).
_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST_MAX_AGE = 10**9


@dataclass(frozen=True)
class Addressee:
    """Where answers go: checked, so that even errors may go there.

    Attributes:
        state: given back unchanged.
    """

    relying_party: RelyingParty
    redirect_uri: str
    state: str | None


@dataclass(frozen=True)
class AuthorizationRequest:
    """What is asked for, checked.

    Attributes:
        max_age: seconds since the card answered that are still good enough.
        acr: what a card sign-in will be told as.
        hinted_uid: who the relying party thinks it is.
        claim_names: single userinfo claims asked for, within the registered scopes.
    """

    addressee: Addressee
    scopes: tuple[str, ...]
    nonce: str | None
    code_challenge: str
    prompts: frozenset[str]
    max_age: int | None
    acr: str
    hinted_uid: str | None
    claim_names: tuple[str, ...]

    @property
    def allows_no_page(self) -> bool:
        """Whether the relying party wants an answer without any page (prompt=none)."""
        return "none" in self.prompts

    @property
    def wants_fresh_sign_in(self) -> bool:
        """Whether the person is to use the card even when signed in."""
        return bool(self.prompts & {"login", "select_account"})


def addressee_of(sent: SentParameters, relying_parties: Mapping[str, RelyingParty]) -> Addressee:
    """Where an answer may go.

    Raises:
        UnknownRelyingParty, RedirectUriNotRegistered: nowhere; a page must say so.
    """
    relying_party = relying_parties.get(_only(sent, "client_id"))
    if relying_party is None:
        raise UnknownRelyingParty(
            "The service that sent you here is not registered. Go back to it and tell its service desk."
        )
    redirect_uri = _only(sent, "redirect_uri")
    if redirect_uri not in relying_party.redirect_uris:
        raise RedirectUriNotRegistered(
            f"{relying_party.name} asked to send you to an address that is not registered. "
            "Tell its service desk."
        )
    return Addressee(relying_party, redirect_uri, _only(sent, "state") or None)


def _only(sent: SentParameters, name: str) -> str:
    """The one value; empty when missing or repeated, so that no part can be chosen by an attacker."""
    values = sent.get(name, ())
    return values[0] if len(values) == 1 else ""


def authorization_request(
    sent: SentParameters, addressee: Addressee, keys: SigningKeys
) -> AuthorizationRequest:
    """What is asked for.

    Raises:
        ProtocolError: one of its kinds, to be sent to the addressee.
    """
    parameters = single_values(sent)
    _require_supported(parameters)
    requested = _requested_claims(parameters)
    registered = single_claims_within(addressee.relying_party.scopes)
    return AuthorizationRequest(
        addressee=addressee,
        scopes=_scopes(parameters, addressee.relying_party),
        nonce=parameters.get("nonce"),
        code_challenge=_code_challenge(parameters),
        prompts=_prompts(parameters),
        max_age=_max_age(parameters),
        acr=_acr(parameters, requested),
        hinted_uid=_hinted_uid(parameters, keys),
        claim_names=tuple(name for name in requested.userinfo if name in registered),
    )


def _require_supported(parameters: Mapping[str, str]) -> None:
    if "request" in parameters:
        raise RequestNotSupported("Request objects are not supported.")
    if "request_uri" in parameters:
        raise RequestUriNotSupported("Request objects are not supported.")
    if required(parameters, "response_type") != "code":
        raise UnsupportedResponseType("Only response_type=code is supported.")
    if parameters.get("response_mode", "query") != "query":
        raise InvalidRequest("Only response_mode=query is supported.")


def _scopes(parameters: Mapping[str, str], relying_party: RelyingParty) -> tuple[str, ...]:
    """Those asked for that are registered; others are ignored (OpenID Connect Core section 3.1.2.1)."""
    asked = dict.fromkeys(required(parameters, "scope").split())
    if "openid" not in asked:
        raise InvalidScope("The scope openid is needed.")
    return tuple(scope for scope in asked if scope in relying_party.scopes)


def _code_challenge(parameters: Mapping[str, str]) -> str:
    if parameters.get("code_challenge_method") != "S256":
        raise InvalidRequest("PKCE is needed: code_challenge_method must be S256.")
    challenge = required(parameters, "code_challenge")
    if _CODE_CHALLENGE.fullmatch(challenge) is None:
        raise InvalidRequest("The code_challenge is not a SHA-256 hash in base64url.")
    return challenge


def _prompts(parameters: Mapping[str, str]) -> frozenset[str]:
    prompts = frozenset(parameters.get("prompt", "").split())
    if prompts - PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise InvalidRequest("The prompt must be none, or of login, select_account and consent.")
    return prompts


def _max_age(parameters: Mapping[str, str]) -> int | None:
    text = parameters.get("max_age")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > _LONGEST_MAX_AGE:
        raise InvalidRequest("The max_age must be a number of seconds.")
    return int(text)


@dataclass(frozen=True)
class _RequestedClaims:
    """The part of the claims parameter that we honour."""

    acr_values: tuple[str, ...] = ()
    is_acr_essential: bool = False
    userinfo: tuple[str, ...] = field(default=())


def _requested_claims(parameters: Mapping[str, str]) -> _RequestedClaims:
    try:
        asked = json.loads(parameters.get("claims", "{}"))
        acr = _member(_member(asked, "id_token"), "acr")
        values = acr.get("values") or ([acr["value"]] if "value" in acr else [])
        names = tuple(str(name) for name in _member(asked, "userinfo"))
        return _RequestedClaims(tuple(map(str, values)), acr.get("essential") is True, names)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRequest("The claims parameter is not the JSON that it should be.") from error


def _member(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    member = value.get(name)
    if member is not None and not isinstance(member, dict):
        raise ValueError(f"{name} is no object")
    return member or {}


def _acr(parameters: Mapping[str, str], requested: _RequestedClaims) -> str:
    """An essential acr must be met; acr_values are a wish (OpenID Connect Core 3.1.2.1 and 5.5.1.1)."""
    if requested.is_acr_essential and requested.acr_values:
        essential = acr_for(requested.acr_values)
        if essential is None:
            raise UnmetAuthenticationRequirements("A card sign-in does not reach the acr asked for.")
        return essential
    wished = parameters.get("acr_values", "").split() or requested.acr_values
    return acr_for(wished) or DEFAULT_ACR


def _hinted_uid(parameters: Mapping[str, str], keys: SigningKeys) -> str | None:
    """Whom an id_token_hint names; an expired one is good enough for that."""
    if "id_token_hint" not in parameters:
        return None
    try:
        return str(keys.claims_of_own_token(parameters["id_token_hint"]).get("sub"))
    except TokenNotOurs as error:
        raise InvalidRequest("The id_token_hint is not a token of this provider.") from error
