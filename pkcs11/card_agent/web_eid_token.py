"""The authentication token that goes back to the site: ``web-eid:1.0``.

Source: the Web eID authentication token specification (web-eid/web-eid-system-architecture-doc, "Web eID
authentication token"): the card signs hash(origin) || hash(nonce), both UTF-8, and the signature algorithm
hashes that again; an ECDSA signature is r || s.
"""

from __future__ import annotations

import base64
import hashlib
import json

from card_agent.settings import Site

APP_VERSION = "https://spine-ra.example/card-agent/releases/0.1.0"
RETURN_PATH = "/sign-in/card"


def signed_bytes(origin: str, nonce: str) -> bytes:
    """Return the 64 bytes that the authentication key signs with ECDSA and SHA-256."""
    return hashlib.sha256(origin.encode()).digest() + hashlib.sha256(nonce.encode()).digest()


def authentication_token(certificate: bytes, signature: bytes) -> dict[str, str]:
    """Return the token. ``certificate`` is DER; ``signature`` is raw r || s (64 bytes for P-256)."""
    return {
        "unverifiedCertificate": base64.b64encode(certificate).decode(),
        "algorithm": "ES256",
        "signature": base64.b64encode(signature).decode(),
        "format": "web-eid:1.0",
        "appVersion": APP_VERSION,
    }


def return_location(site: Site, token: dict[str, str]) -> str:
    """Return where the browser goes with the token: in the fragment, which no server log ever sees."""
    fragment = base64.urlsafe_b64encode(json.dumps(token, separators=(",", ":")).encode())
    return f"{site.origin}{RETURN_PATH}#{fragment.decode().rstrip('=')}"
