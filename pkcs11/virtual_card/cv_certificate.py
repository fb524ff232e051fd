"""Card verifiable certificates, as the card and its makers write them (BSI TR-03110-3, appendix C and D)."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from virtual_card.iso7816.tlv import encoded

CV_CERTIFICATE: Final = 0x7F21
BODY: Final = 0x7F4E
SIGNATURE: Final = 0x5F37
AUTHORITY_REFERENCE: Final = 0x42
HOLDER_REFERENCE: Final = 0x5F20
PUBLIC_KEY: Final = 0x7F49
AUTHENTICATED_REQUEST: Final = 0x67
_PROFILE_IDENTIFIER: Final = 0x5F29
_OBJECT_IDENTIFIER: Final = 0x06
_POINT: Final = 0x86
# id-TA-ECDSA-SHA-256 and id-TA-RSA-v1-5-SHA-256.
ECDSA_SHA_256: Final = bytes.fromhex("04007f00070202020203")
RSA_V1_5_SHA_256: Final = bytes.fromhex("04007f00070202020102")

SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def public_key(key: SigningKey, domain: bytes = b"") -> bytes:
    """The public key object; ``domain`` holds the encoded domain parameters of an EC key (tags 81 to 85)."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        modulus = numbers.n.to_bytes(key.key_size // 8, "big")
        content = encoded(_OBJECT_IDENTIFIER, RSA_V1_5_SHA_256) + encoded(0x81, modulus)
        return encoded(PUBLIC_KEY, content + encoded(0x82, numbers.e.to_bytes(3, "big")))
    content = encoded(_OBJECT_IDENTIFIER, ECDSA_SHA_256) + domain + encoded(_POINT, point(key))
    return encoded(PUBLIC_KEY, content)


def certificate(public: bytes, holder: bytes, authority: bytes, signer: SigningKey) -> bytes:
    """A CV certificate, or with the key's own signature a certificate request (7F21)."""
    reference = encoded(AUTHORITY_REFERENCE, authority) if authority else b""
    content = encoded(_PROFILE_IDENTIFIER, b"\0") + reference + public + encoded(HOLDER_REFERENCE, holder)
    body = encoded(BODY, content)
    return encoded(CV_CERTIFICATE, body + encoded(SIGNATURE, signature(signer, body)))


def authenticated_request(request: bytes, device: SigningKey, device_reference: bytes) -> bytes:
    """A certificate request signed again by the device: its word that the key was made in it (67)."""
    signed = request + encoded(AUTHORITY_REFERENCE, device_reference)
    return encoded(AUTHENTICATED_REQUEST, signed + encoded(SIGNATURE, signature(device, signed)))


def signature(key: SigningKey, data: bytes) -> bytes:
    """ECDSA as r and s one after the other, or RSA PKCS#1 v1.5; both with SHA-256."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    size = (key.curve.key_size + 7) // 8
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public point, uncompressed."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def p256_domain() -> bytes:
    """The domain parameters of P-256 (SEC 2, 2.4.2) as they stand in a CV certificate."""
    return b"".join(encoded(tag, bytes.fromhex(value)) for tag, value in _P256.items())


_P256: Final = {
    0x81: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    0x82: "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
    0x83: "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    0x84: "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    0x85: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
}
