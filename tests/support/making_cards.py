"""Cards made in a card process as the desk makes them, without a site."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import cast

from card_agent import card_operations
from card_agent.card_process import CardProcesses
from card_agent.pin import Pin
from card_agent.ports import CardContents, Purpose

NONCE = b"n" * 44


def prepare(
    processes: CardProcesses, serial: str, so_pin: str, pin: str, uid: str, *earlier: str
) -> Mapping[Purpose, bytes]:
    """Initialise the card and make both key pairs; the CSRs."""
    operation = partial(card_operations.prepare, holder_uid=uid)
    pins = [Pin(each) for each in (so_pin, pin, *earlier)]
    with closing(processes.steps(serial, operation, pins)) as answers:
        *_, requests = answers
    return cast(Mapping[Purpose, bytes], requests)


def finish(
    processes: CardProcesses, serial: str, pin: str, certificates: Mapping[Purpose, bytes]
) -> tuple[CardContents, bytes]:
    """Write the certificates; what was read back, and the signature over NONCE."""
    with closing(processes.steps(serial, card_operations.finish, [Pin(pin)], certificates, NONCE)) as answers:
        _, read_back, proof = answers
    return read_back, proof
