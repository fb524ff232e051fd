"""What a PIV card remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from virtual_card.iso7816 import Memory

TRIES: Final = 3
DEFAULT_PIN: Final = b"123456\xff\xff"
DEFAULT_PUK: Final = b"12345678"
DEFAULT_MANAGEMENT_KEY: Final = bytes.fromhex("010203040506070801020304050607080102030405060708")


@dataclass(frozen=True)
class PivState:
    """The whole memory of a card.

    Attributes:
        serial: 32 bits, printed on the card in decimal.
        attestation_key, attestation_certificate: of slot F9; PKCS#8 and X.509 DER. A reset leaves them.
        pin, puk: 8 octets, padded with FF.
        management_key: 24 octets, triple DES.
        objects: data objects by tag, hexadecimal.
        keys: PKCS#8 DER by slot (two hexadecimal digits); all were generated here.
    """

    serial: int
    attestation_key: bytes
    attestation_certificate: bytes
    pin: bytes = DEFAULT_PIN
    pin_tries_left: int = TRIES
    puk: bytes = DEFAULT_PUK
    puk_tries_left: int = TRIES
    management_key: bytes = DEFAULT_MANAGEMENT_KEY
    objects: Mapping[str, bytes] = field(default_factory=dict)
    keys: Mapping[str, bytes] = field(default_factory=dict)


PivMemory = Memory[PivState]
