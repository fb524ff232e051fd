"""The OpenID provider as pages and programs use it: one object that holds its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.oidc import discovery
from app.oidc.authorizing import Authorizing
from app.oidc.client_authentication import ClientAuthentication
from app.oidc.logging_out import LogoutRequests
from app.oidc.ports import OpenIDDatabase
from app.oidc.relying_party import RelyingParty
from app.oidc.signing import SigningKeys
from app.oidc.token_use import TokenUse
from app.oidc.tokens import Exchanging


class OpenIDProvider:
    """The provider's endpoints.

    Attributes:
        authorizing: the authorization endpoint.
        exchanging: the token endpoint.
        token_use: userinfo, introspection, revocation.
        logout_requests: the end session endpoint.
    """

    def __init__(
        self,
        database: OpenIDDatabase,
        relying_parties: Mapping[str, RelyingParty],
        keys: SigningKeys,
        issuer: str,
    ) -> None:
        endpoints = (discovery.TOKEN_PATH, discovery.INTROSPECTION_PATH, discovery.REVOCATION_PATH)
        audiences = frozenset({issuer, *(issuer + path for path in endpoints)})
        authentication = ClientAuthentication(relying_parties, audiences)
        self._keys = keys
        self._issuer = issuer
        self.authorizing = Authorizing(database, relying_parties, keys, issuer)
        self.exchanging = Exchanging(database, authentication, keys, issuer)
        self.token_use = TokenUse(database, authentication, issuer)
        self.logout_requests = LogoutRequests(relying_parties, keys)

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        return discovery.metadata(self._issuer)

    def jwks(self) -> dict[str, Any]:
        """The public keys."""
        return self._keys.public_jwks()
