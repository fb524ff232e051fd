"""Sending one-time codes: what the worker does with those that were asked for."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from app.clock import Clock
from app.domain.json_value import JsonValue
from app.domain.one_time_code import Channel
from app.ra.unlocking_by_code import UnlockSecrets

SUBJECT = "Your code to unlock your smartcard"


class MessageSender(Protocol):
    """Whatever carries a message to a person."""

    def send(self, channel: Channel, to: str, subject: str, text: str) -> None:
        """Send it. Raises Unavailable, after which it is tried again."""


class SendingCodes:
    """Sends codes until they run out."""

    def __init__(self, secrets: UnlockSecrets, sender: MessageSender, clock: Clock) -> None:
        self._secrets = secrets
        self._sender = sender
        self._clock = clock

    def carry(self, payload: Mapping[str, JsonValue]) -> None:
        """Send one code, unless it has run out meanwhile.

        Raises:
            Unavailable: it could not be sent; try again.
        """
        letter = json.loads(self._secrets.unseal(b64decode(str(payload["sealed"]))))
        if datetime.fromisoformat(letter["expires_at"]) > self._clock():
            self._sender.send(Channel(letter["channel"]), letter["to"], SUBJECT, _text(letter["code"]))


def _text(code: str) -> str:
    return (
        f"{code[:4]} {code[4:]} is your code to unlock your smartcard. It works for 15 minutes and once."
        " If you did not ask for it, tell your registration authority. Nobody will ever ask you for it."
    )
