"""The values that differ between documents of one kind, each judged alone."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from app.ca import der

_P256_POINT, _P384_POINT = 1 + 2 * 32, 1 + 2 * 48
_CURVES: dict[int, ec.EllipticCurve] = {_P256_POINT: ec.SECP256R1(), _P384_POINT: ec.SECP384R1()}
_EXPONENT_65537 = bytes.fromhex("0203010001")


def is_key_like(key: bytes, known: bytes) -> bool:
    """Whether ``key`` is a public key of the form of ``known``; both are a SubjectPublicKeyInfo's BIT STRING.

    An EC key is an uncompressed point on the curve (RFC 5480 section 2.2). An RSA key has a modulus of the
    same length with its highest bit set, and the exponent 65537 (RFC 8017 appendix A.1.1).

    Raises:
        ValueError: the point is not on the curve.
    """
    if len(key) != len(known):
        return False
    point = der.content(key)[1:]
    if len(point) in _CURVES:
        return key[: -len(point)] == known[: -len(point)] and _is_on_curve(point)
    return _is_rsa_like(key, known)


def _is_on_curve(point: bytes) -> bool:
    ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[len(point)], point)
    return point[0] == 4


def _is_rsa_like(key: bytes, known: bytes) -> bool:
    numbers = der.content(known)[1:]
    modulus, exponent = der.children(numbers)
    # Everything before the modulus' first digit, which is the octet after the leading zero.
    begins = len(known) - len(exponent) - len(der.content(modulus)) + 1
    return (
        exponent == _EXPONENT_65537
        and key[:begins] == known[:begins]
        and key[-len(exponent) :] == exponent
        and key[begins] >= 0x80
        and key[-len(exponent) - 1] % 2 == 1
    )
