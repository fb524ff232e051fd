"""The cable between a card and vpcd, the reader driver of pcscd (vsmartcard's protocol).

TCP; each message is two octets of length, big-endian, and the message. One octet is an order to the card
(0 off, 1 on, 2 reset, 4 tell the ATR, the only one that is answered); anything longer is an APDU.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from virtual_card.iso7816.card import Card
from virtual_card.iso7816.faults import CardPulled

_LENGTH: Final = struct.Struct("!H")
_POWER: Final = (0, 1, 2)
_TELL_ATR: Final = 4


def serve(card: Card, connection: socket.socket) -> None:
    """Answer until the reader closes the connection or the card is pulled."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while (message := _received(connection)) is not None:
            _answer(card, connection, message)
    except (CardPulled, ConnectionError):
        return


def _answer(card: Card, connection: socket.socket, message: bytes) -> None:
    if len(message) > 1:
        _send(connection, card.transmit(message))
    elif message[0] == _TELL_ATR:
        _send(connection, card.atr)
    elif message[0] in _POWER:
        card.reset()


def _received(connection: socket.socket) -> bytes | None:
    """One message; None at the end of the connection."""
    head = _octets(connection, _LENGTH.size)
    return _octets(connection, _LENGTH.unpack(head)[0]) or None if head else None


def _octets(connection: socket.socket, count: int) -> bytes:
    """``count`` octets, or none at the end of the connection."""
    received = b""
    while len(received) < count:
        # vpcd writes length and body one by one, which Nagle's algorithm and a delayed acknowledgement turn
        # into 40 ms an APDU. The option holds for the next acknowledgement only.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = connection.recv(count - len(received))
        if not part:
            return b""
        received += part
    return received


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(message)) + message)
