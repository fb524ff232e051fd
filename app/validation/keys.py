"""Which keys are believed, whoever certified them: the library judges algorithms, but no sizes."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.validation.refusals import KeyTooWeak

SMALLEST_RSA_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


def require_strong_keys(certificates: Iterable[x509.Certificate]) -> None:
    """Refuse RSA below 2048 bits, unusual curves and other kinds (SP 800-57 part 1).

    Raises:
        KeyTooWeak
    """
    for certificate in certificates:
        key = certificate.public_key()
        is_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA_BITS
        is_curve = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
        if not (is_rsa or is_curve):
            raise KeyTooWeak(f"the key of {certificate.subject.rfc4514_string()} is too weak")
