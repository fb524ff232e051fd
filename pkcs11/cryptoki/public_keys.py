"""A token's public key objects as public keys of the ``cryptography`` library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pkcs11 import Attribute, KeyType
from pkcs11.types import Object

from cryptoki import errors
from cryptoki.key_spec import CURVE_P256, CURVE_P384

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_CURVES: Final[Mapping[bytes, ec.EllipticCurve]] = {CURVE_P256: ec.SECP256R1(), CURVE_P384: ec.SECP384R1()}
_ED25519_POINT: Final = 32
_DER_OCTET_STRING: Final = 4


def read_public_key(found: Object) -> PublicKey:
    """The public key that a public key object holds. Raises AlgorithmNotOffered for other kinds of key."""
    key_type = found[Attribute.KEY_TYPE]
    if key_type not in _READERS:
        raise errors.AlgorithmNotOffered(f"Keys of type {key_type!r} are not used here.")
    return _READERS[key_type](found)


def _ec(found: Object) -> PublicKey:
    parameters = found[Attribute.EC_PARAMS]
    if parameters not in _CURVES:
        raise errors.AlgorithmNotOffered("Only the curves P-256 and P-384 are used here.")
    curve = _CURVES[parameters]
    point = _point(found, 1 + 2 * ((curve.key_size + 7) // 8))
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)


def _rsa(found: Object) -> PublicKey:
    modulus = int.from_bytes(found[Attribute.MODULUS], "big")
    exponent = int.from_bytes(found[Attribute.PUBLIC_EXPONENT], "big")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _ed25519(found: Object) -> PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(_point(found, _ED25519_POINT))


def _point(found: Object, length: int) -> bytes:
    """CKA_EC_POINT without its DER OCTET STRING, which some modules leave out (PKCS #11 v2.40, 2.3.3)."""
    value: bytes = found[Attribute.EC_POINT]
    wrapped = len(value) == length + 2 and value[0] == _DER_OCTET_STRING and value[1] == length
    return value[2:] if wrapped else value


_READERS: Final[Mapping[KeyType, Callable[[Object], PublicKey]]] = {
    KeyType.EC: _ec,
    KeyType.RSA: _rsa,
    KeyType.EC_EDWARDS: _ed25519,
}
