"""Whether a public key is fit to be certified: its kind and size, and weaknesses seen in the field.

Sources: SP 800-57 part 1 (sizes), SP 800-89 section 5.3.3 (exponents), CVE-2017-15361 "ROCA" (smartcard
chips that make guessable primes), Fermat's method for primes that lie close together.
"""

from __future__ import annotations

from math import isqrt

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from app.ca.refusals import KeyTooWeak, KeyTypeNotAllowed
from app.domain.certificate_profile import KeyType

SMALLEST_EXPONENT = 65537
LARGEST_EXPONENT = 2**256
FERMAT_ROUNDS = 100

_SMALL_PRIMES = [n for n in range(3, 752) if all(n % d for d in range(2, isqrt(n) + 1))]
# The chips' primes are powers of 65537 modulo each of these, and so is their product.
_ROCA_RESIDUES = {
    prime: frozenset(pow(65537, power, prime) for power in range(prime))
    for prime in _SMALL_PRIMES
    if prime < 168
}


def key_type_of(key: PublicKeyTypes) -> KeyType:
    """The kind and size of a public key.

    Raises:
        KeyTypeNotAllowed: when it is none that any profile may name.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        name = {"secp256r1": "EC-P256", "secp384r1": "EC-P384"}.get(key.curve.name, key.curve.name)
    elif isinstance(key, rsa.RSAPublicKey):
        name = f"RSA-{key.key_size}"
    elif isinstance(key, ed25519.Ed25519PublicKey):
        name = KeyType.ED25519
    else:
        name = type(key).__name__
    try:
        return KeyType(name)
    except ValueError:
        raise KeyTypeNotAllowed(f"A key of type {name} is not accepted. Use EC P-256 or RSA 2048.") from None


def require_strong(key: PublicKeyTypes) -> None:
    """Refuse a key with a known weakness.

    Raises:
        KeyTooWeak: saying which.
    """
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        _require_good_exponent(numbers.e)
        _require_good_modulus(numbers.n)


def _require_good_exponent(e: int) -> None:
    if not SMALLEST_EXPONENT <= e < LARGEST_EXPONENT or e % 2 == 0:
        raise KeyTooWeak(
            f"The RSA exponent must be odd and at least {SMALLEST_EXPONENT}. Make a new key on the card."
        )


def _require_good_modulus(n: int) -> None:
    if n % 2 == 0 or any(n % prime == 0 for prime in _SMALL_PRIMES):
        raise KeyTooWeak("The RSA modulus has a small factor. Make a new key on the card.")
    if all(n % prime in residues for prime, residues in _ROCA_RESIDUES.items()):
        raise KeyTooWeak("The RSA key was made by a chip with the ROCA fault. Use another card.")
    if _has_close_factors(n):
        raise KeyTooWeak("The RSA modulus is the product of two close primes. Make a new key on the card.")


def _has_close_factors(n: int) -> bool:
    """Fermat's method: n = a² - b² is found in few rounds when its factors are close."""
    a = isqrt(n) + 1
    for candidate in range(a, a + FERMAT_ROUNDS):
        rest = candidate * candidate - n
        if isqrt(rest) ** 2 == rest:
            return True
    return False
