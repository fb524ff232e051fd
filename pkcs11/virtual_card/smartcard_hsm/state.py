"""What a SmartCard-HSM remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from virtual_card.iso7816 import Memory

SO_TRIES: Final = 15
# What a new card's options say: the user PIN may be reset with the SO PIN (RESET RETRY COUNTER).
FACTORY_OPTIONS: Final = b"\x00\x01"


@dataclass(frozen=True)
class HsmState:
    """The whole memory of a card.

    Attributes:
        serial: the card's number, which stands in its device certificate.
        device_key: PKCS#8 DER; signs what this card says of its keys.
        device_certificates: EF 2F02: the device's CV certificate and that of its issuer.
        files: contents by file identifier (four hexadecimal digits).
        keys: PKCS#8 DER by key identifier (two hexadecimal digits).
    """

    serial: str
    device_key: bytes
    device_certificates: bytes
    initialised: bool = False
    options: bytes = FACTORY_OPTIONS
    pin: bytes = b""
    tries_left: int = 0
    tries_allowed: int = 3
    so_pin: bytes = b""
    so_tries_left: int = SO_TRIES
    files: Mapping[str, bytes] = field(default_factory=dict)
    keys: Mapping[str, bytes] = field(default_factory=dict)


HsmMemory = Memory[HsmState]
