"""The algorithms of prescriptions' signatures: three, each for one kind of key, and two digests.

SHA-1 is there to read old signatures; nothing in this product makes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
# XML Signature has no such identifiers, but prescriptions of the national services carry them.
_RSA_SHA256_AS_WRITTEN = "http://www.w3.org/2000/09/xmldsig#rsa-sha256"
_SHA256_AS_WRITTEN = "http://www.w3.org/2000/09/xmldsig#sha256"


@dataclass(frozen=True)
class DigestAlgorithm:
    """A digest, by its identifier in XML Signature."""

    identifier: str
    is_old: bool

    def of(self, data: bytes) -> bytes:
        """The digest of data."""
        digest = hashes.Hash(_hash(self.is_old))
        digest.update(data)
        return digest.finalize()


@dataclass(frozen=True)
class SignatureAlgorithm:
    """A signature algorithm, by its identifier in XML Signature."""

    identifier: str
    key_kind: type
    is_old: bool

    def is_signature(self, value: bytes, data: bytes, key: CertificatePublicKeyTypes) -> bool:
        """Whether the value is the key's signature over the data. A key of another kind never fits."""
        try:
            if isinstance(key, rsa.RSAPublicKey) and self.key_kind is rsa.RSAPublicKey:
                key.verify(value, data, padding.PKCS1v15(), _hash(self.is_old))
            elif isinstance(key, ec.EllipticCurvePublicKey) and self.key_kind is ec.EllipticCurvePublicKey:
                key.verify(_as_der(value, key), data, ec.ECDSA(hashes.SHA256()))
            else:
                return False
        except InvalidSignature:
            return False
        return True


def _as_der(value: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """The signature r || s, each as long as the curve's order (XML Signature 1.1 section 6.4.3)."""
    half = (key.curve.key_size + 7) // 8
    if len(value) != 2 * half:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))


def _hash(is_old: bool) -> hashes.HashAlgorithm:
    return hashes.SHA1() if is_old else hashes.SHA256()  # noqa: S303 - to read old signatures


SIGNATURES: Mapping[str, SignatureAlgorithm] = {
    each.identifier: each
    for each in (
        SignatureAlgorithm(RSA_SHA1, rsa.RSAPublicKey, True),
        SignatureAlgorithm(RSA_SHA256, rsa.RSAPublicKey, False),
        SignatureAlgorithm(_RSA_SHA256_AS_WRITTEN, rsa.RSAPublicKey, False),
        SignatureAlgorithm(ECDSA_SHA256, ec.EllipticCurvePublicKey, False),
    )
}
DIGESTS: Mapping[str, DigestAlgorithm] = {
    each.identifier: each
    for each in (
        DigestAlgorithm(SHA1, True),
        DigestAlgorithm(SHA256, False),
        DigestAlgorithm(_SHA256_AS_WRITTEN, False),
    )
}
