"""What a PIV card needs and PKCS#11 has no function for: the management key kept on the card behind the PIN.

With it the holder's PIN suffices to make keys and to write certificates, as on cards of other kinds; Yubico's
module takes the PIN in the SO's place then. Data objects are laid out as Yubico's tools do ("protected").
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

import pcsc
from cryptoki import errors
from cryptoki.token import Token

_SELECT: Final = bytes.fromhex("00a4040005a000000308")
_ASK_FOR_CHALLENGE: Final = bytes.fromhex("0087039b047c02810000")
_ANSWER: Final = bytes.fromhex("0087039b0c7c0a8208")
_PUT_DATA: Final = bytes.fromhex("00db3fff")
_ADMINISTRATION: Final = bytes.fromhex("5c035fff00")
_PRINTED_INFORMATION: Final = bytes.fromhex("5c035fc109")
_KEY_IS_BEHIND_PIN: Final = bytes.fromhex("8003810102")
_CHALLENGE_BYTES: Final = 8
_DONE: Final = b"\x90\x00"


def change_management_key(token: Token, present: str, following: str) -> None:
    """Give the card another management key, unless it has it already: wrong ones are not counted.

    Raises PinIncorrect when the card has neither.
    """
    try:
        token.login_so(following).close()
    except errors.PinIncorrect:
        with token.login_so(present) as session:
            session.set_pin(present, following)


def keep_management_key_behind_pin(reader: str, management_key: str) -> None:
    """Write the management key (hexadecimal) into the object that only the PIN opens.

    Raises PinIncorrect when it is not the card's management key, TokenError when the card refuses.
    """
    key = bytes.fromhex(management_key)
    protected = _object(0x88, _object(0x89, key))
    with pcsc.Context() as context, context.connect(reader, reset_after=True) as card:
        _done(card, _SELECT)
        _authenticate(card, key)
        _done(card, _put(_PRINTED_INFORMATION, protected))
        _done(card, _put(_ADMINISTRATION, _KEY_IS_BEHIND_PIN))


def _authenticate(card: pcsc.Connection, key: bytes) -> None:
    """GENERAL AUTHENTICATE with the management key (SP 800-73-4 part 2, 3.2.4)."""
    challenge = _done(card, _ASK_FOR_CHALLENGE)[-_CHALLENGE_BYTES:]
    # The card's own algorithm, one block.
    encryptor = Cipher(TripleDES(key), modes.ECB()).encryptor()  # noqa: S305
    answer = card.transmit(_ANSWER + encryptor.update(challenge) + encryptor.finalize())
    if answer[-2:] != _DONE:
        raise errors.PinIncorrect("GENERAL AUTHENTICATE")


def _put(tag: bytes, content: bytes) -> bytes:
    data = tag + _object(0x53, content)
    return _PUT_DATA + bytes((len(data),)) + data


def _object(tag: int, value: bytes) -> bytes:
    """A data object of less than 128 octets."""
    return bytes((tag, len(value))) + value


def _done(card: pcsc.Connection, apdu: bytes) -> bytes:
    answer = card.transmit(apdu)
    if answer[-2:] != _DONE:
        raise errors.TokenError(f"INS {apdu[1]:02X}", f"SW {answer[-2:].hex()}")
    return answer[:-2]
