"""Keys on a SmartCard-HSM: made, told about with the device's signature, and used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_private_key

from virtual_card import cv_certificate
from virtual_card.iso7816 import Command, Refused, StatusWord
from virtual_card.iso7816.tlv import decoded, encoded, fields, required
from virtual_card.key_material import digest_of_length, pkcs8, raw_rsa
from virtual_card.smartcard_hsm.files import CERTIFICATE_PREFIX
from virtual_card.smartcard_hsm.pins import Pins
from virtual_card.smartcard_hsm.state import HsmMemory

# The field prime (tag 81) tells the curve.
_CURVES: Final[Mapping[int, type[ec.EllipticCurve]]] = {
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF: ec.SECP256R1,
    2**384 - 2**128 - 2**96 + 2**32 - 1: ec.SECP384R1,
}
_DOMAIN_PARAMETERS: Final = range(0x81, 0x86)
_RSA_SIZES: Final = (2048, 3072, 4096)
_DEVICE_SUFFIX: Final = "00001"
_PKCS1_PADDED, _PKCS1_SHA256, _PSS = 0x30, 0x33, 0x40
_ECDSA_PLAIN: Final = 0x70
_ECDSA_HASHING: Final[Mapping[int, hashes.HashAlgorithm]] = {
    0x71: hashes.SHA1(),  # noqa: S303  # the card offers it
    0x72: hashes.SHA224(),
    0x73: hashes.SHA256(),
}
_ECDH: Final = 0x80
_DIGEST_INFO_OVERHEAD: Final = 15


class Keys:
    """The card's key pairs, each with an identifier of one octet."""

    def __init__(self, memory: HsmMemory, pins: Pins) -> None:
        self._memory = memory
        self._pins = pins

    def generate(self, command: Command) -> bytes:
        """GENERATE ASYMMETRIC KEY PAIR: the answer is the certificate request that the device signed.

        It also becomes the key's certificate file, until a certificate takes its place.
        """
        self._pins.require_user()
        given = fields(command.data)
        described = decoded(required(given, cv_certificate.PUBLIC_KEY))
        key = _new_key(dict(described))
        domain = b"".join(encoded(tag, value) for tag, value in described if tag in _DOMAIN_PARAMETERS)
        public = cv_certificate.public_key(key, domain)
        holder = required(given, cv_certificate.HOLDER_REFERENCE)
        authority = given.get(cv_certificate.AUTHORITY_REFERENCE, b"")
        request = cv_certificate.certificate(public, holder, authority, key)
        told = cv_certificate.authenticated_request(request, self._device_key(), self._device_reference())
        self._keep(f"{command.p1:02x}", pkcs8(key), told)
        return told

    def sign(self, command: Command) -> bytes:
        """SIGN: P1 is the key, P2 the algorithm."""
        self._pins.require_user()
        key = self._key(command.p1)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return _ecdsa(key, command.p2, command.data)
        return _rsa(key, command.p2, command.data)

    def decipher(self, command: Command) -> bytes:
        """DECIPHER: RSA without padding, or the agreed point of an ECDH."""
        self._pins.require_user()
        key = self._key(command.p1)
        if isinstance(key, rsa.RSAPrivateKey):
            return raw_rsa(key, command.data)
        if command.p2 != _ECDH:
            raise Refused(StatusWord.WRONG_DATA)
        peer = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, command.data)
        return b"\x04" + key.exchange(ec.ECDH(), peer)

    def _keep(self, name: str, key: bytes, told: bytes) -> None:
        """Key and request appear together."""
        state = self._memory.state
        files = {**state.files, CERTIFICATE_PREFIX + name: told}
        self._memory.commit(replace(state, keys={**state.keys, name: key}, files=files))

    def _key(self, identifier: int) -> cv_certificate.SigningKey:
        stored = self._memory.state.keys.get(f"{identifier:02x}")
        if stored is None:
            raise Refused(StatusWord.REFERENCED_DATA_NOT_FOUND)
        return _loaded(stored)

    def _device_key(self) -> cv_certificate.SigningKey:
        return _loaded(self._memory.state.device_key)

    def _device_reference(self) -> bytes:
        return (self._memory.state.serial + _DEVICE_SUFFIX).encode()


def _loaded(stored: bytes) -> cv_certificate.SigningKey:
    key = load_der_private_key(stored, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return key


def _new_key(described: dict[int, bytes]) -> cv_certificate.SigningKey:
    if described.get(0x06) == cv_certificate.RSA_V1_5_SHA_256:
        size = int.from_bytes(required(described, 0x02), "big")
        if size not in _RSA_SIZES:
            raise Refused(StatusWord.WRONG_DATA)
        return rsa.generate_private_key(65537, size)
    curve = _CURVES.get(int.from_bytes(required(described, 0x81), "big"))
    if curve is None:
        raise Refused(StatusWord.WRONG_DATA)
    return ec.generate_private_key(curve())


def _ecdsa(key: ec.EllipticCurvePrivateKey, algorithm: int, data: bytes) -> bytes:
    if algorithm == _ECDSA_PLAIN:
        return key.sign(data, ec.ECDSA(utils.Prehashed(digest_of_length(len(data)))))
    if algorithm not in _ECDSA_HASHING:
        raise Refused(StatusWord.WRONG_DATA)
    return key.sign(data, ec.ECDSA(_ECDSA_HASHING[algorithm]))


def _rsa(key: rsa.RSAPrivateKey, algorithm: int, data: bytes) -> bytes:
    if algorithm == _PSS:
        return _pss(key, data)
    if algorithm == _PKCS1_SHA256:
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    if algorithm == _PKCS1_PADDED:
        data = b"\x00\x01" + b"\xff" * (key.key_size // 8 - 3 - len(data)) + b"\x00" + data
    return raw_rsa(key, data)


def _pss(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    """PSS over a digest. OpenSC sends a DigestInfo for CKM_SHAxxx_RSA_PKCS_PSS, of which the end is taken."""
    is_digest_info = data[:1] == b"\x30" and len(data) > 20 + _DIGEST_INFO_OVERHEAD - 1
    digest = data[6 + data[3] :] if is_digest_info else data
    hashed = digest_of_length(len(digest))
    return key.sign(digest, padding.PSS(padding.MGF1(hashed), hashed.digest_size), utils.Prehashed(hashed))
