"""The provider's metadata (OpenID Connect Discovery 1.0 section 3, RFC 8414, RFC 9207)."""

from __future__ import annotations

from typing import Any

from app.oidc.assurance import SATISFIED_ACR_VALUES
from app.oidc.claims import PERSONAL_CLAIMS
from app.oidc.client_authentication import ASSERTION_ALGORITHMS
from app.oidc.relying_party import SCOPES, SIGNING_ALGORITHMS
from app.oidc.tokens import ID_TOKEN_CLAIMS

AUTHORIZATION_PATH = "/openid/authorize"
TOKEN_PATH = "/openid/token"  # noqa: S105  # an address
USERINFO_PATH = "/openid/userinfo"
JWKS_PATH = "/openid/jwks"
END_SESSION_PATH = "/openid/sign-out"
INTROSPECTION_PATH = "/openid/introspect"
REVOCATION_PATH = "/openid/revoke"


def metadata(issuer: str) -> dict[str, Any]:
    """The discovery document."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZATION_PATH,
        "token_endpoint": issuer + TOKEN_PATH,
        "userinfo_endpoint": issuer + USERINFO_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "end_session_endpoint": issuer + END_SESSION_PATH,
        "introspection_endpoint": issuer + INTROSPECTION_PATH,
        "revocation_endpoint": issuer + REVOCATION_PATH,
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": list(SATISFIED_ACR_VALUES),
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "claims_supported": [*ID_TOKEN_CLAIMS, *PERSONAL_CLAIMS],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        **_client_authentication("token"),
        **_client_authentication("introspection"),
        **_client_authentication("revocation"),
    }


def _client_authentication(endpoint: str) -> dict[str, list[str]]:
    return {
        f"{endpoint}_endpoint_auth_methods_supported": ["private_key_jwt"],
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
    }
