"""Hashing on this side of the token, and what the token is told about the hash (RFC 8017 9.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.utils import Buffer
from pkcs11 import MGF, Mechanism

from cryptoki import errors


@dataclass(frozen=True)
class Digest:
    """One of the SHA-2 hashes: its PKCS#11 names and the DigestInfo that goes before the digest."""

    mechanism: Mechanism
    mask: MGF
    digest_info: bytes


# By size in bytes: a Prehashed value of the cryptography library shows nothing else.
DIGESTS: Final[Mapping[int, Digest]] = {
    32: Digest(Mechanism.SHA256, MGF.SHA256, bytes.fromhex("3031300d060960864801650304020105000420")),
    48: Digest(Mechanism.SHA384, MGF.SHA384, bytes.fromhex("3041300d060960864801650304020205000430")),
    64: Digest(Mechanism.SHA512, MGF.SHA512, bytes.fromhex("3051300d060960864801650304020305000440")),
}


def digest_of(data: Buffer, algorithm: Prehashed | HashAlgorithm) -> bytes:
    """The digest to sign. Raises AlgorithmNotOffered for any hash but SHA-256, SHA-384 and SHA-512."""
    if isinstance(algorithm, Prehashed):
        return _prehashed(bytes(data), algorithm)
    if not isinstance(algorithm, SHA256 | SHA384 | SHA512):
        raise errors.AlgorithmNotOffered("Signatures are made with SHA-256, SHA-384 or SHA-512 only.")
    return hashlib.new(algorithm.name, data).digest()


def digest_info(digest: bytes, algorithm: Prehashed | HashAlgorithm) -> bytes:
    """DER DigestInfo for PKCS#1 v1.5."""
    return DIGESTS[algorithm.digest_size].digest_info + digest


def _prehashed(digest: bytes, algorithm: Prehashed) -> bytes:
    if algorithm.digest_size not in DIGESTS or len(digest) != algorithm.digest_size:
        raise errors.AlgorithmNotOffered("A digest to sign is that of SHA-256, SHA-384 or SHA-512.")
    return digest
