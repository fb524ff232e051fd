"""The OpenID provider as this service uses it: discovery, code flow, private_key_jwt, logout tokens."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from flask import Flask
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from examples.prescribing.settings import Settings
from examples.prescribing.visits import Role, Visit

SCOPES = "openid profile nationalrbacaccess selectedrole"
_ASSERTION_SECONDS = 60
_TIMEOUT_SECONDS = 10
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_CLOCK_SKEW_SECONDS = 60


class SignInNotAccepted(Exception):
    """The provider's answer is not what it should be. The message is for the person."""


class LogoutTokenNotAccepted(Exception):
    """The logout token is not what it should be."""


class _ShortLivedAssertions(PrivateKeyJWT):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's assertions live an hour; ours live a minute."""

    alg = "ES256"

    def sign(self, auth: Any, token_endpoint: str) -> str:
        claims = {"exp": int(time.time()) + _ASSERTION_SECONDS}
        return str(
            private_key_jwt_sign(
                auth.client_secret,
                client_id=auth.client_id,
                token_endpoint=token_endpoint,
                claims=claims,
                alg=self.alg,
            )
        )


class _Session(OAuth2Session):  # type: ignore[misc]  # Authlib ships no types
    """Trusts the authority of the settings alone.

    Otherwise an environment variable (REQUESTS_CA_BUNDLE) would take the place of that authority, and another
    (HTTPS_PROXY) would send client assertions through a proxy.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.trust_env = False


class _Client(FlaskOAuth2App):  # type: ignore[misc]  # Authlib ships no types
    client_cls = _Session


class Provider:
    """The provider, found by discovery when it is first needed."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._settings = settings
        key = ECKey.import_key(settings.private_key_file.read_bytes())
        self._client: Any = OAuth(app).register(
            name="provider",
            client_cls=_Client,
            client_id=settings.client_id,
            client_secret=key,
            server_metadata_url=f"{settings.issuer}/.well-known/openid-configuration",
            client_auth_methods=[_ShortLivedAssertions()],
            client_kwargs={
                "scope": SCOPES,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "private_key_jwt",
                "verify": str(settings.ca_file),
                "default_timeout": _TIMEOUT_SECONDS,
            },
        )

    def send_to_sign_in(self, **more: str) -> Any:
        """Send the browser to the provider."""
        return self._client.authorize_redirect(self._settings.redirect_uri, **more)

    def visit(self, issuer_named: str | None, now: datetime) -> Visit:
        """What the provider says about the person who has come back.

        Args:
            issuer_named: the ``iss`` parameter of the answer (RFC 9207).

        Raises:
            SignInNotAccepted
        """
        if issuer_named != self._settings.issuer:
            raise SignInNotAccepted("The answer did not come from the sign-in service. Start again.")
        token = self._client.authorize_access_token()
        claims, told = token["userinfo"], self._client.userinfo(token=token)
        if told["sub"] != claims["sub"]:
            raise SignInNotAccepted("The sign-in service told of two people. Start again.")
        role = _chosen_role(claims.get("selected_roleid"), told)
        return Visit(claims["sid"], claims["sub"], told["name"], role, token["id_token"], now, now)

    def sign_out(self, visit: Visit) -> Any:
        """Send the browser to the provider, to sign out there too."""
        return self._client.logout_redirect(self._settings.signed_out_uri, id_token_hint=visit.id_token)

    def ended_session(self, logout_token: str) -> str:
        """The session that a logout token ends (OpenID Connect Back-Channel Logout 1.0 section 2.6).

        Raises:
            LogoutTokenNotAccepted
        """
        try:
            token = jwt.decode(logout_token, self._keys(logout_token), algorithms=["ES256", "RS256"])
        except (JoseError, ValueError) as error:
            raise LogoutTokenNotAccepted("not signed by the provider") from error
        _require_logout_claims(token.header, token.claims, self._settings)
        return str(token.claims["sid"])

    def _keys(self, token: str) -> KeySet:
        keys = KeySet.import_key_set(self._client.fetch_jwk_set())
        try:
            jwt.decode(token, keys, algorithms=["ES256", "RS256"])
        except (JoseError, ValueError):
            # The provider may sign with a newer key than those that were fetched.
            return KeySet.import_key_set(self._client.fetch_jwk_set(force=True))
        return keys


def _chosen_role(role_id: str | None, told: dict[str, Any]) -> Role | None:
    for role in told.get("nhsid_nrbac_roles", []):
        if role["person_roleid"] == role_id:
            named = zip(role["spine_resolved_activities"], role["spine_resolved_activity_names"], strict=True)
            return Role(
                role["person_roleid"], role["role_name"], role["org_code"], role["org_name"], dict(named)
            )
    return None


def _require_logout_claims(header: dict[str, Any], claims: dict[str, Any], settings: Settings) -> None:
    now = time.time()
    is_right = (
        header.get("typ") == "logout+jwt"
        and claims.get("iss") == settings.issuer
        and claims.get("aud") == settings.client_id
        and claims.get("events") == {_LOGOUT_EVENT: {}}
        and isinstance(claims.get("sid"), str)
        and "nonce" not in claims
        and now - _CLOCK_SKEW_SECONDS < claims.get("exp", 0)
        and claims.get("iat", now * 2) < now + _CLOCK_SKEW_SECONDS
    )
    if not is_right:
        raise LogoutTokenNotAccepted("its claims are not those of a logout token for this service")
