"""Reading what a card itself says of where its key was made. It is verified by whoever certifies the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import pcsc
from cryptoki.card_profile import Attestation
from cryptoki.public_keys import PublicKey
from cryptoki.token import Token

_PIV_LABEL: Final = "X.509 Certificate for PIV Attestation"
_SELECT_HSM: Final = bytes.fromhex("00a404000be82b0601040181c31f020100")
_ENUMERATE: Final = bytes.fromhex("0058000000")
_CERTIFICATE_FILE: Final = 0xCE
_DEVICE_CERTIFICATES: Final = bytes.fromhex("2f02")
_DONE, _END_OF_FILE = b"\x90\x00", b"\x62\x82"
_PART: Final = 256


@dataclass(frozen=True)
class CardProof:
    """What proves where a key was made.

    ``piv``: the attestation certificate of the key, then that of the card's attestation key F9 (X.509 DER).
    ``smartcard-hsm``: the request that the device signed when it made the key, then the device's and its
    issuer's CV certificates in one (EF 2F02).
    """

    kind: Attestation
    evidence: tuple[bytes, ...]


def read_proof(
    kind: Attestation, token: Token, reader: str, public_key: PublicKey, cka_id: bytes
) -> CardProof | None:
    """The proof for a key, None when the card has none. Nobody is logged in to the card afterwards."""
    if kind is Attestation.PIV:
        evidence = tuple(_piv(token, cka_id))
    elif kind is Attestation.SMARTCARD_HSM:
        evidence = tuple(_smartcard_hsm(reader, public_key))
    else:
        return None
    return CardProof(kind, evidence) if len(evidence) > 1 else None


def _piv(token: Token, cka_id: bytes) -> Iterator[bytes]:
    with token.open() as session:
        found = [each for each in session.certificates() if each.label.startswith(_PIV_LABEL)]
    yield from (each.der for each in found if each.cka_id == cka_id)
    yield from (each.der for each in found if each.label == _PIV_LABEL)


def _smartcard_hsm(reader: str, public_key: PublicKey) -> Iterator[bytes]:
    """OpenSC shows certificates only, so the request is read past it."""
    with pcsc.Context() as context, context.connect(reader, reset_after=True) as card:
        card.transmit(_SELECT_HSM)
        files = card.transmit(_ENUMERATE)[:-2]
        identifiers = [files[at : at + 2] for at in range(0, len(files), 2)]
        for identifier in identifiers:
            if identifier[0] == _CERTIFICATE_FILE:
                content = _read_file(card, identifier)
                if _public_value(public_key) in content:
                    yield content
                    yield _read_file(card, _DEVICE_CERTIFICATES)
                    return


def _read_file(card: pcsc.Connection, identifier: bytes) -> bytes:
    """READ BINARY with an offset data object until the file ends."""
    content = b""
    while True:
        offset = b"\x54\x02" + len(content).to_bytes(2, "big")
        answer = card.transmit(b"\x00\xb1" + identifier + bytes((len(offset),)) + offset + b"\x00")
        content += answer[:-2]
        if answer[-2:] not in (_DONE, _END_OF_FILE) or len(answer) - 2 < _PART:
            return content


def _public_value(public_key: PublicKey) -> bytes:
    """What a CV certificate holds of the key: the point, or the modulus."""
    if isinstance(public_key, rsa.RSAPublicKey):
        return public_key.public_numbers().n.to_bytes(public_key.key_size // 8, "big")
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return public_key.public_bytes_raw()
