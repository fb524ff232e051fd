"""A program that has no PIN and signs on a card that another has unlocked, past every PKCS#11 module."""

from __future__ import annotations

import sys

import pcsc

_KEY, _ECDSA_OVER_DIGEST = 0x01, 0x70


def sign_without_pin(reader: str) -> bytes:
    """The status word that a SmartCard-HSM gives to SIGN by its first key."""
    apdu = bytes((0x00, 0x68, _KEY, _ECDSA_OVER_DIGEST, 32)) + bytes(32) + b"\x00"
    with pcsc.Context() as context, context.connect(reader) as card:
        return card.transmit(apdu)[-2:]


if __name__ == "__main__":
    print(sign_without_pin(sys.argv[1]).hex())
