"""The signature over origin and nonce: hash(origin) || hash(nonce), hashed again by the signature algorithm.

Source: Web eID system architecture, "Authentication token", section on the signature. Only the hash of the
nonce is needed, so only the hash is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from app.signin.refusals import SignatureWrong, TokenAlgorithmNotSupported
from app.signin.token import AuthenticationToken

_SMALLEST_RSA_BITS = 2048


@dataclass(frozen=True)
class NonceHashes:
    """The hashes of one nonce (as UTF-8 text) that a card may have signed."""

    sha256: bytes
    sha384: bytes

    @classmethod
    def of(cls, nonce: str) -> NonceHashes:
        """The hashes of a nonce."""
        text = nonce.encode()
        return cls(hashlib.sha256(text).digest(), hashlib.sha384(text).digest())

    def signed_bytes(self, origin: str, algorithm: str) -> bytes:
        """What the card signs for this origin."""
        if algorithm == "ES384":
            return hashlib.sha384(origin.encode()).digest() + self.sha384
        return hashlib.sha256(origin.encode()).digest() + self.sha256


def require_signed(
    token: AuthenticationToken, key: CertificatePublicKeyTypes, origin: str, nonces: Sequence[NonceHashes]
) -> NonceHashes:
    """The one of this browser's nonces that the card signed together with our origin.

    Raises:
        TokenAlgorithmNotSupported: the algorithm does not fit the certificate's key.
        SignatureWrong
    """
    for nonce in nonces:
        if _is_signature(token, key, nonce.signed_bytes(origin, token.algorithm)):
            return nonce
    raise SignatureWrong("the signature is not over our origin and a nonce of this browser")


def _is_signature(token: AuthenticationToken, key: CertificatePublicKeyTypes, data: bytes) -> bool:
    try:
        if token.algorithm == "RS256":
            _rsa_key(key).verify(token.signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            _verify_ecdsa(token, key, data)
    except InvalidSignature:
        return False
    return True


def _rsa_key(key: CertificatePublicKeyTypes) -> rsa.RSAPublicKey:
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _SMALLEST_RSA_BITS:
        raise TokenAlgorithmNotSupported("RS256 needs an RSA key of at least 2048 bits")
    return key


def _verify_ecdsa(token: AuthenticationToken, key: CertificatePublicKeyTypes, data: bytes) -> None:
    """ECDSA with the signature as r || s, each as long as the curve's order (RFC 7518 section 3.4)."""
    expected: tuple[type[ec.EllipticCurve], hashes.HashAlgorithm, int] = {
        "ES256": (ec.SECP256R1, hashes.SHA256(), 32),
        "ES384": (ec.SECP384R1, hashes.SHA384(), 48),
    }[token.algorithm]
    curve, hash_algorithm, half = expected
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, curve):
        raise TokenAlgorithmNotSupported(f"{token.algorithm} does not fit the certificate's key")
    if len(token.signature) != 2 * half:
        raise InvalidSignature
    r, s = (int.from_bytes(part, "big") for part in (token.signature[:half], token.signature[half:]))
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hash_algorithm))
