"""Smartcard readers by PC/SC (the winscard functions of libpcsclite): which there are, what lies in them.

For what PKCS#11 does not tell or do: whether pcscd runs, the ATR of a card that no module knows, resetting a
card so that nobody else uses its login, and the few commands that a module has no function for::

    with pcsc.Context() as context:                     # errors.NoPcscd
        for reader in context.readers():
            reader.name, reader.has_card, reader.atr
        with context.connect(reader.name) as card:      # errors.NoCard, errors.CardInUse, ...
            answer = card.transmit(apdu)                # with its status word at the end
        context.reset(reader.name)
"""

from __future__ import annotations

from pcsc import errors
from pcsc.context import Connection, Context, ReaderStatus

__all__ = ["Connection", "Context", "ReaderStatus", "errors"]
