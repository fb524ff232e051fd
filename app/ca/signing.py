"""Signatures by the authority's keys: the algorithm that fits a key; what was linted, signed anew."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca import der
from app.ca.ports import SigningKey

_ALGORITHM = 2


def signature_hash(key: SigningKey) -> hashes.SHA256 | hashes.SHA384 | None:
    """The hash that fits a CA key's strength: SHA-384 for P-384, else SHA-256; none for Ed25519."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size == 384:
        return hashes.SHA384()
    return hashes.SHA256()


def throw_away_key(key: SigningKey) -> SigningKey:
    """A new key of the same type and size as ``key``, for linting."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ed25519.Ed25519PrivateKey.generate()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ec.generate_private_key(key.curve)
    return rsa.generate_private_key(public_exponent=65537, key_size=key.key_size)


def sign_octets(key: SigningKey, octets: bytes) -> bytes:
    """The signature over ``octets`` as X.509 structures carry it; RSA keys sign by PKCS#1 v1.5."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(octets)
    algorithm = signature_hash(key)
    assert algorithm is not None, "only Ed25519 has no hash"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(octets, ec.ECDSA(algorithm))
    return key.sign(octets, padding.PKCS1v15(), algorithm)


def signed(to_be_signed: bytes, algorithm: bytes, key: SigningKey) -> bytes:
    """A certificate or CRL: what is signed, the algorithm's identifier and the signature (RFC 5280)."""
    return der.sequence(to_be_signed, algorithm, der.bit_string(sign_octets(key, to_be_signed)))


def signed_certificate(to_be_signed: bytes, key: SigningKey) -> bytes:
    """A certificate, signed by the algorithm that it names itself (RFC 5280 section 4.1.1.2)."""
    return signed(to_be_signed, der.children(to_be_signed)[_ALGORITHM], key)


def signed_again(document: bytes, key: SigningKey) -> bytes:
    """The certificate or CRL with ``key``'s signature in place of the throw-away key's of the same type.

    What is signed is cut out of what was linted, so it is the same, octet for octet.
    """
    to_be_signed, algorithm, _ = der.children(document)
    return signed(to_be_signed, algorithm, key)


def sign_certificate(linted: x509.Certificate, key: SigningKey, issuer: x509.Certificate | None) -> bytes:
    """The linted certificate, signed with ``key``; ``issuer`` is None when it signs itself. Returns DER.

    Raises:
        RuntimeError: when the signature does not verify, or something else was signed than was linted. That
            is a fault of ours or of the token, and the certificate is thrown away.
    """
    made = signed_again(linted.public_bytes(Encoding.DER), key)
    certificate = x509.load_der_x509_certificate(made)
    if certificate.tbs_certificate_bytes != linted.tbs_certificate_bytes:
        raise RuntimeError("what was signed differs from what was linted")
    try:
        certificate.verify_directly_issued_by(issuer or certificate)
    except Exception as error:
        raise RuntimeError("the CA's signature does not verify") from error
    return made
