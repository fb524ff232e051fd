"""What the cards in software have in common about keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from virtual_card.iso7816 import Refused, StatusWord

_HASHES: Final[Mapping[int, hashes.HashAlgorithm]] = {
    20: hashes.SHA1(),  # noqa: S303  # cards sign what they are given
    28: hashes.SHA224(),
    32: hashes.SHA256(),
    48: hashes.SHA384(),
    64: hashes.SHA512(),
}


def pkcs8(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """The key as a card in software keeps it: DER, unencrypted."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def digest_of_length(length: int) -> hashes.HashAlgorithm:
    """The hash whose digest has so many octets. Raises Refused (6A80) when there is none."""
    if length not in _HASHES:
        raise Refused(StatusWord.WRONG_DATA)
    return _HASHES[length]


def raw_rsa(key: rsa.RSAPrivateKey, block: bytes) -> bytes:
    """RSA without padding (RFC 8017 5.1.2 and 5.2.1), by the Chinese remainder theorem."""
    numbers = key.private_numbers()
    message = int.from_bytes(block, "big")
    if message >= numbers.public_numbers.n:
        raise Refused(StatusWord.WRONG_DATA)
    m1, m2 = (
        pow(message % numbers.p, numbers.dmp1, numbers.p),
        pow(message % numbers.q, numbers.dmq1, numbers.q),
    )
    result = m2 + numbers.q * ((m1 - m2) * numbers.iqmp % numbers.p)
    return result.to_bytes(key.key_size // 8, "big")
