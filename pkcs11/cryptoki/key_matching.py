"""Whether a private key in a token belongs to a public key, found out by a signature."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

_SIGNED = b"spine-ra: is this the key of that certificate?"


def signs_as(private_key: Any, public_key: Any) -> bool:
    """Sign something with one and verify it with the other. False for a kind of key that does not sign."""
    scheme: tuple[Any, ...]
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        scheme = (ec.ECDSA(hashes.SHA256()),)
    elif isinstance(public_key, rsa.RSAPublicKey):
        scheme = (padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(public_key, ed25519.Ed25519PublicKey):
        scheme = ()
    else:
        return False
    try:
        public_key.verify(private_key.sign(_SIGNED, *scheme), _SIGNED, *scheme)
    except InvalidSignature:
        return False
    return True
