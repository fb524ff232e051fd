"""Proofs of cards in software, made without a reader: by the same applets, with a maker of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from app.ca.attestation import AttestationRoots, roots_from_pem
from app.domain.provenance import KeyEvidence, ProofMethod
from virtual_card import piv, smartcard_hsm
from virtual_card.cv_certificate import ECDSA_SHA_256, p256_domain
from virtual_card.iso7816 import Applet, Command, Memory, OrderedFaults
from virtual_card.iso7816.tlv import encoded, fields
from virtual_card.maker import Maker
from virtual_card.piv.state import PivState
from virtual_card.smartcard_hsm.state import HsmState

CLAIMS = {"local": True, "never_extractable": True}
HSM_SERIAL, PIV_SERIAL = "VC123456789", "12345678"


@dataclass(frozen=True)
class ProvedKey:
    """A key on a card in software, what the card shows for it, and the key itself."""

    evidence: KeyEvidence
    spki: bytes
    card_serial: str
    private_key: ec.EllipticCurvePrivateKey


def maker_roots(maker: Maker) -> AttestationRoots:
    """The roots of a maker, as the settings would name them."""
    files = (maker.x509_root_file, maker.smartcard_hsm_root_file)
    return roots_from_pem((file.name, file.read_text()) for file in files)


def smartcard_hsm_key(folder: Path, maker: Maker) -> ProvedKey:
    """A key made on a SmartCard-HSM of that maker."""
    return smartcard_hsm_keys(folder, maker, HSM_SERIAL)[0]


def smartcard_hsm_keys(folder: Path, maker: Maker, serial: str) -> tuple[ProvedKey, ProvedKey]:
    """Two keys made on one SmartCard-HSM of that maker."""
    memory = folder / "hsm.json"
    smartcard_hsm.manufacture(memory, serial, maker)
    card = smartcard_hsm.SmartCardHsm(memory, OrderedFaults(folder / "none"))
    pins = encoded(0x81, b"123456") + encoded(0x82, b"87654321") + encoded(0x91, b"\3")
    _ask(card, 0x50, 0, encoded(0x80, b"\0\1") + pins)
    _ask(card, 0x20, 0x0081, b"123456")
    device = _ask(card, 0xB1, 0x2F02, encoded(0x54, b"\0\0"), 4096)
    return _hsm_key(card, memory, 1, device, serial), _hsm_key(card, memory, 2, device, serial)


def _hsm_key(card: Applet, memory: Path, number: int, device: bytes, serial: str) -> ProvedKey:
    public = encoded(0x7F49, encoded(0x06, ECDSA_SHA_256) + p256_domain())
    asked = encoded(0x42, b"UTCA00001") + public + encoded(0x5F20, b"UTNONE00001")
    told = _ask(card, 0x46, number << 8, asked)
    key = load_der_private_key(Memory(memory, HsmState).state.keys[f"{number:02x}"], None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    evidence = KeyEvidence(CLAIMS, ProofMethod.SMARTCARD_HSM, (told, device))
    return ProvedKey(evidence, _spki(key), serial, key)


def piv_key(folder: Path, maker: Maker) -> ProvedKey:
    """A key made on a PIV card of that maker."""
    memory = folder / "piv.json"
    piv.manufacture(memory, PIV_SERIAL, maker)
    card = piv.Piv(memory, OrderedFaults(folder / "none"))
    _ask(card, 0xA4, 0x0400, bytes.fromhex("a000000308"))
    manage(card)
    _ask(card, 0x47, 0x009A, encoded(0xAC, encoded(0x80, b"\x11")))
    attested = _ask(card, 0xF9, 0x9A00, b"")
    object_f9 = _ask(card, 0xCB, 0x3FFF, encoded(0x5C, bytes.fromhex("5fff01")))
    f9 = fields(fields(object_f9)[0x53])[0x70]
    key = load_der_private_key(Memory(memory, PivState).state.keys["9a"], None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return ProvedKey(KeyEvidence(CLAIMS, ProofMethod.PIV, (attested, f9)), _spki(key), PIV_SERIAL, key)


def manage(card: Applet, key: str = "010203040506070801020304050607080102030405060708") -> None:
    """Prove the management key to a PIV card."""
    asked = _ask(card, 0x87, 0x039B, encoded(0x7C, encoded(0x81, b"")))
    challenge = fields(fields(asked)[0x7C])[0x81]
    encryptor = Cipher(TripleDES(bytes.fromhex(key)), modes.ECB()).encryptor()
    answer = encryptor.update(challenge) + encryptor.finalize()
    _ask(card, 0x87, 0x039B, encoded(0x7C, encoded(0x82, answer)))


def _ask(card: Applet, ins: int, p1p2: int, data: bytes, answer_length: int | None = None) -> bytes:
    return card.process(Command(0, ins, p1p2 >> 8, p1p2 & 0xFF, data, answer_length))


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
