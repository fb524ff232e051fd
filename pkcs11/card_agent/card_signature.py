"""Signing with a card that a page has shown: by the key of the certificate that was read from it."""

from __future__ import annotations

from card_agent import card_operations
from card_agent.card_process import CardProcesses
from card_agent.card_views import CardView
from card_agent.pin import Pin
from card_agent.ports import Purpose


def signed_by(processes: CardProcesses, card: CardView, pin: Pin, purpose: Purpose, data: bytes) -> bytes:
    """Return the card's ES256 signature over ``data`` (raw r || s, 64 bytes).

    Its certificates are not read again for that, which on a real card takes longer than signing does. Raises
    PinIncorrect, PinLocked, LastTry, KeysNotOnCard, CardRemoved or CardFault.
    """
    return processes.run(card.serial, card_operations.sign, [pin], purpose, data, card.keys)
