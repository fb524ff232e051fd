"""Unlocking without network: a challenge that is read out, and a response that only one computer can use.

A computer on a ward has a key in common with the certificate authority. The challenge names the computer and
a nonce; the response is the card's SO PIN under a pad from key, nonce and serial, with a MAC. See
``docs/adr`` and ``card_agent/offline_unlock.py``, which is the other side.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import InvalidInput

KEY_BYTES, ID_BYTES, NONCE_BYTES, MAC_BYTES = 32, 5, 5, 5
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110", " -")
_CHECK_CHARACTERS = 2
_CHALLENGE_PREFIX = b"spine-ra/offline-challenge/1:"
_PAD_INFO = b"spine-ra/offline-unlock/1:"
_HEX, _TEXT = b"\x01", b"\x00"

#: How the caller was known; one is recorded with each response.
IDENTITY_CHECKS = {
    "called_back": "I called back on the ward's number on record",
    "known_voice": "I know the caller in person, and a second colleague on the ward confirmed it",
    "answers": "The caller answered three questions from their record",
}


@dataclass(frozen=True)
class Challenge:
    """What is read out: which computer, and the nonce it made for one card."""

    workstation_id: bytes
    nonce: bytes

    def of_card(self, card_serial: str) -> bytes:
        """The octets that the operator's signature is about."""
        return _CHALLENGE_PREFIX + self.workstation_id + self.nonce + card_serial.encode()


def challenge_from_untrusted(text: str) -> Challenge:
    """The challenge as somebody typed it.

    Raises:
        InvalidInput: under ``challenge``; mistyped, which its check digits tell.
    """
    try:
        data = heard(text)
    except ValueError:
        data = b""
    if len(data) != ID_BYTES + NONCE_BYTES:
        raise InvalidInput({"challenge": "The challenge is mistyped. Have it read out again, four by four."})
    return Challenge(data[:ID_BYTES], data[ID_BYTES:])


def challenge_of(octets: bytes, card_serial: str) -> Challenge | None:
    """The challenge in what was signed, when it is one for this card."""
    inner = octets.removeprefix(_CHALLENGE_PREFIX)
    found = Challenge(inner[:ID_BYTES], inner[ID_BYTES : ID_BYTES + NONCE_BYTES])
    return found if found.of_card(card_serial) == octets else None


def wrapped_text(workstation_id: bytes, key: bytes) -> bytes:
    """What is wrapped to the escrow key when a computer is registered: its key with its id."""
    return b"workstation:" + workstation_id + key


def key_of(plaintext: bytes, workstation_id: bytes) -> bytes | None:
    """The key in what was unwrapped, or None when it is another computer's."""
    key = plaintext.removeprefix(b"workstation:" + workstation_id)
    return key if len(key) == KEY_BYTES and wrapped_text(workstation_id, key) == plaintext else None


def response(key: bytes, challenge: Challenge, card_serial: str, so_pin: bytes) -> str:
    """The response, to be read out in groups of four."""
    plaintext = _packed(so_pin)
    pad = _pad(key, challenge, card_serial, len(plaintext) + KEY_BYTES)
    hidden = bytes(a ^ b for a, b in zip(plaintext, pad, strict=False))
    mac = hmac.new(pad[len(plaintext) :], hidden, sha256).digest()[:MAC_BYTES]
    return spoken(hidden + mac)


def _pad(key: bytes, challenge: Challenge, card_serial: str, length: int) -> bytes:
    """HKDF-SHA-256 (RFC 5869): salt is the nonce, info names the purpose and the card."""
    info = _PAD_INFO + card_serial.encode()
    return HKDF(hashes.SHA256(), length=length, salt=challenge.nonce, info=info).derive(key)


def _packed(so_pin: bytes) -> bytes:
    """Hexadecimal digits take half the room, and half the time to read out."""
    text = so_pin.decode()
    if len(text) % 2 == 0 and text == text.lower() and all(each in "0123456789abcdef" for each in text):
        return _HEX + bytes.fromhex(text)
    return _TEXT + so_pin


def spoken(data: bytes) -> str:
    """Octets in Crockford's base 32, with two check digits, in groups of four."""
    bits = "".join(f"{octet:08b}" for octet in data)
    bits += "0" * (-len(bits) % 5)
    body = "".join(_ALPHABET[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))
    text = body + _check(body)
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def heard(text: str) -> bytes:
    """The octets in what somebody typed. Raises ValueError when the check does not fit."""
    typed = text.upper().translate(_MISREAD)
    body, check = typed[:-_CHECK_CHARACTERS], typed[-_CHECK_CHARACTERS:]
    bits = "".join(f"{_ALPHABET.index(each):05b}" for each in body)
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) // 8 * 8, 8))
    if not data or _check(body) != check:
        raise ValueError("mistyped")
    return data


def _check(body: str) -> str:
    """The two check digits, by ISO/IEC 7064 MOD 97-10: a symbol is worth its place in the alphabet.

    One wrong symbol, and two neighbours exchanged, are always found: 97 is prime, and more than 32.
    """
    number = 0
    for symbol in body:
        number = number * len(_ALPHABET) + _ALPHABET.index(symbol)
    return f"{98 - number * 100 % 97:02d}"
