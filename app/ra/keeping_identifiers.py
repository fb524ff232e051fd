"""So that no identifier that was taken over is ever given out again to somebody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from app.domain.system import AccreditedSystem, MessageHandlingSystem
from app.ra.ids import FIRST_ID, SPINE_ID
from app.ra.migration_ports import Taken
from app.ra.registering_systems import FIRST_ASID, FIRST_CPA_ID, FIRST_PARTY_NUMBER

_SERIES = 1_000_000_000
"""Numbers that lie further beyond the first are of another series, which ours never reaches."""
_ASID, _ENDPOINT = re.compile(r"[0-9]{12}"), re.compile(r"S([0-9]{12})")


class Sequences(Protocol):
    """``app.storage.sequences``."""

    def past(self, name: str, number: int) -> None: ...


def reserve(sequences: Sequences, taken: list[Taken]) -> None:
    """Have our own series of ids go on behind those that were taken over."""
    highest: dict[str, int] = {}
    for each in taken:
        for name, number in _numbers(each):
            if 0 < number < _SERIES:
                highest[name] = max(number, highest.get(name, 0))
    for name, number in highest.items():
        sequences.past(name, number)


def _numbers(taken: Taken) -> Iterator[tuple[str, int]]:
    match taken.value:
        case AccreditedSystem(asid=asid, party_key=party_key):
            yield "asid", int(asid) - FIRST_ASID
            yield from _party_number(party_key)
        case MessageHandlingSystem(id=identifier, party_key=party_key):
            if found := _ENDPOINT.fullmatch(identifier):
                yield "cpa_id", int(found[1]) - FIRST_CPA_ID
            yield from _party_number(party_key)
        case _ if _ASID.fullmatch(taken.id):
            yield SPINE_ID, int(taken.id[:9]) - FIRST_ID


def _party_number(party_key: str) -> Iterator[tuple[str, int]]:
    digits = party_key.rpartition("-")[2]
    if digits.isascii() and digits.isdigit():
        yield "party_key", int(digits) - FIRST_PARTY_NUMBER
