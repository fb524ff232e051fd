"""The keys of a PIV card: made in their slots, used, and attested by the key in slot F9."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509.oid import NameOID

from virtual_card.cv_certificate import point
from virtual_card.iso7816 import Command, Refused, StatusWord
from virtual_card.iso7816.tlv import encoded, fields, required
from virtual_card.key_material import digest_of_length, pkcs8, raw_rsa
from virtual_card.piv.access import Access
from virtual_card.piv.state import PivMemory

FIRMWARE: Final = bytes((5, 4, 3))
MANAGEMENT, ATTESTATION = 0x9B, 0xF9
_SIGNATURE_SLOT, _CARD_AUTHENTICATION_SLOT = 0x9C, 0x9E
# Algorithm identifiers (SP 800-78-4, 6.2).
_RSA: Final[Mapping[int, int]] = {0x07: 2048}
_CURVES: Final[Mapping[int, type[ec.EllipticCurve]]] = {0x11: ec.SECP256R1, 0x14: ec.SECP384R1}
_TEMPLATE, _CHALLENGE, _RESPONSE, _EXPONENTIATION = 0x7C, 0x81, 0x82, 0x85
_YUBICO: Final = "1.3.6.1.4.1.41482.3."
_LIFETIME: Final = timedelta(days=10 * 365)
PivKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Keys:
    """The card's key pairs by slot."""

    def __init__(self, memory: PivMemory, access: Access) -> None:
        self._memory = memory
        self._access = access

    def generate(self, command: Command) -> bytes:
        """GENERATE ASYMMETRIC KEY PAIR in the slot P2; the answer is the public key."""
        self._access.require_manager()
        asked = fields(required(fields(command.data), 0xAC))
        key = _new_key(required(asked, 0x80)[0])
        self._memory.change(keys={**self._memory.state.keys, f"{command.p2:02x}": pkcs8(key)})
        return encoded(0x7F49, _public(key))

    def authenticate(self, command: Command) -> bytes:
        """GENERAL AUTHENTICATE: the management key's exchange, a signature, or a key agreement."""
        given = fields(required(fields(command.data), _TEMPLATE))
        if command.p2 == MANAGEMENT:
            return self._access.authenticate(given)
        key = self.key(command.p2)
        if command.p2 != _CARD_AUTHENTICATION_SLOT:
            self._access.require_holder(at_once=command.p2 == _SIGNATURE_SLOT)
        self._access.is_fresh = False
        return encoded(_TEMPLATE, encoded(_RESPONSE, _used(key, given)))

    def attest(self, command: Command) -> bytes:
        """ATTEST (Yubico): a certificate by the card's own key, F9, that the slot's key was made here."""
        state, key = self._memory.state, self.key(command.p1)
        issuer = x509.load_der_x509_certificate(state.attestation_certificate)
        signer = load_der_private_key(state.attestation_key, None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        now = datetime.now(UTC)
        name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"YubiKey PIV Attestation {command.p1:02x}")]
        )
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer.subject)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + _LIFETIME)
        for number, value in self._facts(command.p1).items():
            extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(_YUBICO + number), value)
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.DER)

    def _facts(self, slot: int) -> dict[str, bytes]:
        """Firmware version, serial (DER INTEGER), PIN policy with touch policy."""
        octets = self._memory.state.serial.to_bytes(5, "big").lstrip(b"\0")
        serial = octets if octets[0] < 0x80 else b"\0" + octets
        return {"3": FIRMWARE, "7": encoded(0x02, serial), "8": _policies(slot)}

    def key(self, slot: int) -> PivKey:
        """The key in the slot. Raises Refused (6A88)."""
        stored = self._memory.state.keys.get(f"{slot:02x}")
        if stored is None:
            raise Refused(StatusWord.REFERENCED_DATA_NOT_FOUND)
        key = load_der_private_key(stored, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
        return key


def described(key: PivKey, slot: int) -> bytes:
    """What GET METADATA says of a key: algorithm, policies, that it was generated, and the public key."""
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm = next(number for number, size in _RSA.items() if size == key.key_size)
    else:
        algorithm = next(number for number, curve in _CURVES.items() if isinstance(key.curve, curve))
    about = encoded(1, bytes((algorithm,))) + encoded(2, _policies(slot)) + encoded(3, b"\x01")
    return about + encoded(4, _public(key))


def _policies(slot: int) -> bytes:
    """When the PIN is asked for (1 never, 2 once, 3 each time), and that nobody has to touch the card (1)."""
    asked = {_SIGNATURE_SLOT: 3, _CARD_AUTHENTICATION_SLOT: 1}.get(slot, 2)
    return bytes((asked, 1))


def _new_key(algorithm: int) -> PivKey:
    if algorithm in _RSA:
        return rsa.generate_private_key(65537, _RSA[algorithm])
    if algorithm not in _CURVES:
        raise Refused(StatusWord.WRONG_DATA)
    return ec.generate_private_key(_CURVES[algorithm]())


def _public(key: PivKey) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return encoded(0x86, point(key))
    numbers = key.public_key().public_numbers()
    modulus = numbers.n.to_bytes(key.key_size // 8, "big")
    return encoded(0x81, modulus) + encoded(0x82, numbers.e.to_bytes(3, "big"))


def _used(key: PivKey, given: dict[int, bytes]) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return raw_rsa(key, required(given, _CHALLENGE))
    if _EXPONENTIATION in given:
        peer = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, given[_EXPONENTIATION])
        return key.exchange(ec.ECDH(), peer)
    size = (key.curve.key_size + 7) // 8
    digest = required(given, _CHALLENGE)[-size:]
    return key.sign(digest, ec.ECDSA(utils.Prehashed(digest_of_length(len(digest)))))
