"""This computer's side of unlocking without network: the challenge, and the SO PIN out of the response.

The other side is the certificate authority's (``app/domain/offline_unlock.py``). Octets are read out in
Crockford's base 32, in groups of four, with two check digits at the end.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from card_agent.errors import Refusal
from card_agent.pin import Pin

KEY_BYTES, NONCE_BYTES, MAC_BYTES = 32, 5, 5
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110", " -")
_CHECK_CHARACTERS = 2
_PAD_INFO = b"spine-ra/offline-unlock/1:"
_HEX = b"\x01"


class ResponseNotValid(Refusal):
    """The response is mistyped, or is for another challenge, card or computer."""

    code = "response_not_valid"


@dataclass(frozen=True)
class OfflineUnlock:
    """One challenge of this computer for one card."""

    workstation_id: bytes
    card_serial: str
    nonce: bytes

    @classmethod
    def begin(cls, workstation_id: bytes, card_serial: str) -> OfflineUnlock:
        """Return a new challenge for the card."""
        return cls(workstation_id, card_serial, secrets.token_bytes(NONCE_BYTES))

    @property
    def challenge(self) -> str:
        """Return what is read out to the registration authority."""
        return spoken(self.workstation_id + self.nonce)

    def so_pin(self, response: str, key: bytes) -> Pin:
        """Return the card's SO PIN out of the response. Raises ResponseNotValid."""
        data = _heard_response(response)
        hidden, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        info = _PAD_INFO + self.card_serial.encode()
        pad = HKDF(hashes.SHA256(), len(hidden) + KEY_BYTES, self.nonce, info).derive(key)
        expected = hmac.new(pad[len(hidden) :], hidden, sha256).digest()[:MAC_BYTES]
        if not hmac.compare_digest(mac, expected):
            raise ResponseNotValid("This response is for another challenge. Have it read out again.")
        packed = bytes(a ^ b for a, b in zip(hidden, pad, strict=False))
        return Pin(packed[1:].hex() if packed[:1] == _HEX else packed[1:].decode())


def _heard_response(text: str) -> bytes:
    try:
        data = heard(text)
    except ValueError:
        data = b""
    if len(data) <= MAC_BYTES:
        raise ResponseNotValid("The response is mistyped. Have it read out again, four by four.")
    return data


def spoken(data: bytes) -> str:
    """Return octets as they are read out."""
    bits = "".join(f"{octet:08b}" for octet in data)
    bits += "0" * (-len(bits) % 5)
    body = "".join(_ALPHABET[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))
    text = body + _check(body)
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def heard(text: str) -> bytes:
    """Return the octets in what somebody typed. Raises ValueError when the check does not fit."""
    typed = text.upper().translate(_MISREAD)
    body, check = typed[:-_CHECK_CHARACTERS], typed[-_CHECK_CHARACTERS:]
    bits = "".join(f"{_ALPHABET.index(each):05b}" for each in body)
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) // 8 * 8, 8))
    if not data or _check(body) != check:
        raise ValueError("mistyped")
    return data


def _check(body: str) -> str:
    """Return the two check digits, by ISO/IEC 7064 MOD 97-10: a symbol is worth its place in the alphabet.

    One wrong symbol, and two neighbours exchanged, are always found: 97 is prime, and more than 32.
    """
    number = 0
    for symbol in body:
        number = number * len(_ALPHABET) + _ALPHABET.index(symbol)
    return f"{98 - number * 100 % 97:02d}"
