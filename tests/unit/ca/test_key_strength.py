"""Keys that must never be certified."""

from __future__ import annotations

import random
from math import prod

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa

from app.ca.key_strength import key_type_of, require_strong
from app.ca.refusals import KeyTooWeak, KeyTypeNotAllowed
from app.domain.certificate_profile import KeyType

RANDOM = random.Random(20261122)
PRIMES_TO_167 = [n for n in range(2, 168) if all(n % d for d in range(2, n))]


def is_probably_prime(n: int) -> bool:
    return n % 2 == 1 and all(pow(base, n - 1, n) == 1 for base in (2, 3, 5, 7))


def prime_near(n: int) -> int:
    return next(candidate for candidate in range(n | 1, n + 100_000, 2) if is_probably_prime(candidate))


def roca_prime() -> int:
    """A prime as the faulty chips made them: a power of 65537 modulo a product of small primes."""
    primorial = prod(PRIMES_TO_167)
    while True:
        k = RANDOM.getrandbits(1024 - primorial.bit_length()) | 1 << (1023 - primorial.bit_length())
        candidate = k * primorial + pow(65537, RANDOM.randrange(1, 10**9), primorial)
        if is_probably_prime(candidate):
            return candidate


def public_key(n: int, e: int = 65537) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(e, n).public_key()


def test_ordinary_keys_are_strong() -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())):
        require_strong(key.public_key())


@pytest.mark.parametrize("exponent", [3, 17, 65535])
def test_a_small_exponent_is_weak(exponent: int) -> None:
    modulus = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
    with pytest.raises(KeyTooWeak, match="exponent"):
        require_strong(public_key(modulus, exponent))


def test_a_modulus_with_a_small_factor_is_weak() -> None:
    with pytest.raises(KeyTooWeak, match="factor"):
        require_strong(public_key(751 * prime_near(RANDOM.getrandbits(2038) | 1 << 2037)))


def test_primes_that_lie_close_together_are_weak() -> None:
    first = prime_near(RANDOM.getrandbits(1024) | 3 << 1022)
    with pytest.raises(KeyTooWeak, match="close"):
        require_strong(public_key(first * prime_near(first + 2)))


def test_the_roca_fault_is_found() -> None:
    with pytest.raises(KeyTooWeak, match="ROCA"):
        require_strong(public_key(roca_prime() * roca_prime()))


@pytest.mark.parametrize(
    "key",
    [
        ed448.Ed448PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 1024),
        dsa.generate_private_key(2048),
    ],
    ids=["Ed448", "secp256k1", "P-521", "RSA-1024", "DSA"],
)
def test_other_kinds_of_key_are_not_known(key: ed448.Ed448PrivateKey) -> None:
    with pytest.raises(KeyTypeNotAllowed):
        key_type_of(key.public_key())


def test_kinds_are_named_with_their_size() -> None:
    assert key_type_of(ec.generate_private_key(ec.SECP384R1()).public_key()) is KeyType.EC_P384
    assert key_type_of(rsa.generate_private_key(65537, 3072).public_key()) is KeyType.RSA_3072
