"""A relying party for tests: its keys, its registration, and what it sends."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from app.oidc.relying_party import RelyingParty, parse

ISSUER = "https://localhost:8443"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class PartyUnderTest:
    """One relying party."""

    client_id: str = "prescribing"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def redirect_uri(self) -> str:
        return f"https://{self.client_id}.example/signed-in"

    @property
    def signed_out_uri(self) -> str:
        return f"https://{self.client_id}.example/signed-out"

    def table(self, **changes: Any) -> dict[str, Any]:
        """Its entry in the file of relying parties."""
        return {
            "client_id": self.client_id,
            "name": f"The {self.client_id} service",
            "redirect_uris": [self.redirect_uri],
            "post_logout_redirect_uris": [self.signed_out_uri],
            "backchannel_logout_uri": f"https://{self.client_id}.example/logout",
            "scopes": [
                *("openid", "profile", "email", "nationalrbacaccess", "selectedrole"),
                *("professionalmemberships", "associatedorgs"),
            ],
            "public_key_files": [self.client_id],
            "may_refresh": True,
        } | changes

    @property
    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def request(self, **changes: str | None) -> dict[str, str]:
        """An authorization request; None leaves a parameter out."""
        challenge = hashlib.sha256(self.verifier.encode()).digest()
        parameters: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile nationalrbacaccess selectedrole",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (parameters | changes).items() if value is not None}

    def assertion(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A client assertion; None leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{ISSUER}/openid/token",
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + 120,
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header or {"alg": "ES256"}, claims, ECKey.import_key(self.key))

    def proof(self, **changes: Any) -> dict[str, str]:
        """The form fields that authenticate it."""
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion(**changes)}

    def exchange(self, code: str, **changes: str) -> dict[str, str]:
        """A token request for a code."""
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **self.proof(),
        } | changes


def registered(*parties: PartyUnderTest, **changes: Any) -> dict[str, RelyingParty]:
    """What the provider knows of them."""
    keys = {party.client_id: party.public_pem for party in parties}
    return parse({"client": [party.table(**changes) for party in parties]}, keys.__getitem__)


def sent(parameters: dict[str, str]) -> dict[str, list[str]]:
    """The parameters as a web framework hands them on."""
    return {name: [value] for name, value in parameters.items()}


def answer_of(location: str) -> dict[str, str]:
    """The parameters with which a browser comes back to the relying party."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def verified_claims(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """A token's claims, verified with the published keys alone."""
    published = KeySet.import_key_set(cast("Any", jwks))
    return jwt.decode(token, published, algorithms=["ES256", "RS256"]).claims
