"""Keys that stay in the token, shown as private keys of the ``cryptography`` library.

The builders of that library (CSR, certificate, CRL, OCSP, CMS) sign with them. Data is hashed here and only
the digest goes to the token: cards are slow at hashing, and every module offers the raw mechanisms.
"""

from __future__ import annotations

from typing import Any, NoReturn, Protocol, Self

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, HashAlgorithm
from cryptography.utils import Buffer
from pkcs11 import MGF, Mechanism

from cryptoki import errors
from cryptoki.digests import DIGESTS, digest_info, digest_of
from cryptoki.public_keys import PublicKey


class TokenKey(Protocol):
    """A private key object in a token."""

    def sign(self, data: bytes, mechanism: Mechanism, parameter: Any = None) -> bytes:
        """C_Sign."""
        ...

    def decrypt(self, data: bytes, mechanism: Mechanism, parameter: Any = None) -> bytes:
        """C_Decrypt."""
        ...


class _StaysInToken:
    """What every key in a token refuses."""

    def private_numbers(self) -> NoReturn:
        """Refused with KeyStaysInToken."""
        raise errors.KeyStaysInToken("The private key stays in the token.")

    def private_bytes(self, encoding: object, format: object, encryption_algorithm: object) -> NoReturn:
        """Refused with KeyStaysInToken."""
        raise errors.KeyStaysInToken("The private key stays in the token.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise errors.KeyStaysInToken("The private key stays in the token and cannot be pickled.")


class EllipticCurveTokenKey(_StaysInToken, ec.EllipticCurvePrivateKey):
    """An EC key (P-256 or P-384) that signs by ECDSA in the token (CKM_ECDSA)."""

    def __init__(self, key: TokenKey, public_key: ec.EllipticCurvePublicKey) -> None:
        self._key = key
        self._public_key = public_key

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key."""
        return self._public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        """The named curve."""
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        """Bits."""
        return self._public_key.curve.key_size

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """The signature as a DER Ecdsa-Sig-Value (RFC 3279 2.2.3)."""
        if not isinstance(signature_algorithm, ec.ECDSA):
            raise errors.AlgorithmNotOffered("An EC key signs by ECDSA only.")
        raw = self._key.sign(digest_of(data, signature_algorithm.algorithm), Mechanism.ECDSA)
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """Refused with AlgorithmNotOffered: keys here sign and do nothing else."""
        raise errors.AlgorithmNotOffered("This key signs only; it does not agree on keys.")


class RsaTokenKey(_StaysInToken, rsa.RSAPrivateKey):
    """An RSA key that signs by PKCS#1 v1.5 or PSS, or decrypts by OAEP, in the token (RFC 8017)."""

    def __init__(self, key: TokenKey, public_key: rsa.RSAPublicKey) -> None:
        self._key = key
        self._public_key = public_key

    def public_key(self) -> rsa.RSAPublicKey:
        """The public key."""
        return self._public_key

    @property
    def key_size(self) -> int:
        """Bits of the modulus."""
        return self._public_key.key_size

    def sign(
        self,
        data: bytes,
        padding: padding.AsymmetricPadding,
        algorithm: Prehashed | HashAlgorithm | NoDigestInfo,
    ) -> bytes:
        """The signature, as long as the modulus. Raises AlgorithmNotOffered for other paddings and hashes."""
        if isinstance(algorithm, NoDigestInfo):
            raise errors.AlgorithmNotOffered("Signatures without a DigestInfo are not made here.")
        digest = digest_of(data, algorithm)
        if _is_pss(padding):
            return self._key.sign(digest, Mechanism.RSA_PKCS_PSS, self._pss_parameter(padding, algorithm))
        if _is_pkcs1v15(padding):
            return self._key.sign(digest_info(digest, algorithm), Mechanism.RSA_PKCS)
        raise errors.AlgorithmNotOffered("An RSA key signs with PKCS#1 v1.5 or PSS padding only.")

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> bytes:
        """The plaintext. OAEP with SHA-1 and no label only: SoftHSM offers no other hash."""
        if not _is_oaep_sha1(padding):
            raise errors.AlgorithmNotOffered("An RSA key decrypts OAEP with SHA-1 and no label only.")
        return self._key.decrypt(ciphertext, Mechanism.RSA_PKCS_OAEP, (Mechanism.SHA_1, MGF.SHA1, None))

    def _pss_parameter(
        self, pss: padding.AsymmetricPadding, algorithm: Prehashed | HashAlgorithm
    ) -> tuple[Mechanism, MGF, int]:
        """CK_RSA_PKCS_PSS_PARAMS: hash, mask generation with the same hash, bytes of salt."""
        assert isinstance(pss, padding.PSS)
        digest = DIGESTS[algorithm.digest_size]
        if pss.mgf._algorithm.digest_size != algorithm.digest_size:
            raise errors.AlgorithmNotOffered("PSS is made with one hash for the data and the mask.")
        return digest.mechanism, digest.mask, self._salt_length(pss, algorithm)

    def _salt_length(self, pss: padding.PSS, algorithm: Prehashed | HashAlgorithm) -> int:
        if isinstance(pss._salt_length, int):
            return pss._salt_length
        if pss._salt_length is padding.PSS.MAX_LENGTH:
            # RFC 8017 9.1.1: emLen - hLen - 2.
            return (self.key_size - 1 + 7) // 8 - algorithm.digest_size - 2
        return algorithm.digest_size


class Ed25519TokenKey(_StaysInToken, ed25519.Ed25519PrivateKey):
    """An Ed25519 key that signs in the token (CKM_EDDSA, RFC 8032)."""

    def __init__(self, key: TokenKey, public_key: ed25519.Ed25519PublicKey) -> None:
        self._key = key
        self._public_key = public_key

    def public_key(self) -> ed25519.Ed25519PublicKey:
        """The public key."""
        return self._public_key

    def private_bytes_raw(self) -> NoReturn:
        """Refused with KeyStaysInToken."""
        raise errors.KeyStaysInToken("The private key stays in the token.")

    def sign(self, data: Buffer) -> bytes:
        """The 64-byte signature. The whole message goes to the token: Ed25519 hashes it twice."""
        return self._key.sign(bytes(data), Mechanism.EDDSA)


PrivateKey = EllipticCurveTokenKey | RsaTokenKey | Ed25519TokenKey


def private_key_of(key: TokenKey, public_key: PublicKey) -> PrivateKey:
    """The key in the token as a private key of the kind that its public key says."""
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return EllipticCurveTokenKey(key, public_key)
    if isinstance(public_key, rsa.RSAPublicKey):
        return RsaTokenKey(key, public_key)
    return Ed25519TokenKey(key, public_key)


# The parameter named ``padding`` (as the library names it) hides the module of that name inside the methods.
def _is_pss(chosen: padding.AsymmetricPadding) -> bool:
    return isinstance(chosen, padding.PSS)


def _is_pkcs1v15(chosen: padding.AsymmetricPadding) -> bool:
    return isinstance(chosen, padding.PKCS1v15)


def _is_oaep_sha1(chosen: padding.AsymmetricPadding) -> bool:
    return (
        isinstance(chosen, padding.OAEP)
        and isinstance(chosen.algorithm, SHA1)
        and isinstance(chosen.mgf._algorithm, SHA1)
        and not chosen._label
    )
