"""A card's memory: one value, replaced as a whole and flushed to disk before the card answers.

So a card whose process is killed has lost nothing that it answered for, and has half of nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from virtual_card.errors import CardDamaged
from virtual_card.files import read_json_object, write_json_durably
from virtual_card.iso7816.status import Refused, StatusWord

State = TypeVar("State")
CAPACITY_BYTES: Final = 64 * 1024
_HEX: Final = "hex:"


class Memory(Generic[State]):
    """The state of one card in ``path``: a frozen dataclass of numbers, texts, octets and mappings of these.

    ``is_full`` tells whether the card pretends to have no room, besides having ``capacity`` bytes only.
    """

    def __init__(
        self,
        path: Path,
        kind: type[State],
        is_full: Callable[[], bool] = lambda: False,
        capacity: int = CAPACITY_BYTES,
    ) -> None:
        self._path = path
        self._is_full = is_full
        self._capacity = capacity
        self.state: State = _read(path, kind)
        self._size = len(_text(self.state))

    @staticmethod
    def lay_out(path: Path, state: Any) -> None:
        """Write a new card's memory."""
        write_json_durably(path, _plain(dataclasses.asdict(state)))

    def commit(self, state: State) -> None:
        """Replace the state. Raises Refused (6A84) when it grows beyond the room there is."""
        size = len(_text(state))
        if size > self._size and (self._is_full() or size > self._capacity):
            raise Refused(StatusWord.NOT_ENOUGH_MEMORY)
        self.lay_out(self._path, state)
        self.state, self._size = state, size

    def change(self, **changes: Any) -> None:
        """Replace some fields of the state."""
        self.commit(dataclasses.replace(self.state, **changes))  # type: ignore[type-var]  # a frozen dataclass


def _read(path: Path, kind: type[State]) -> State:
    try:
        return kind(**{name: _octets(value) for name, value in read_json_object(path).items()})
    except (TypeError, ValueError) as error:
        raise CardDamaged(f"{path} is not the memory of such a card; take another card.") from error


def _text(state: Any) -> str:
    return json.dumps(_plain(dataclasses.asdict(state)))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return _HEX + value.hex()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return value


def _octets(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_HEX):
        return bytes.fromhex(value.removeprefix(_HEX))
    if isinstance(value, dict):
        return {name: _octets(inner) for name, inner in value.items()}
    return value
