"""What verifying a card's proof can come to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Proved:
    """A key was made in a device.

    Attributes:
        spki: the key's SubjectPublicKeyInfo, DER.
        device: the device's serial.
        maker: the name of the maker's root.
    """

    spki: bytes
    device: str
    maker: str


class ProofFalse(Exception):
    """The proof is damaged or forged."""


class UnknownMaker(Exception):
    """The proof is sound in itself, but leads to no maker that we know."""
