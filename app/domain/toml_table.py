"""Reading a configuration file strictly: unknown, missing and impossible values are refused by their key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from app.errors import InvalidInput


class TomlTable:
    """One TOML table being read: each key is taken once, and what is left over is refused by name.

    Every problem is ``InvalidInput`` with the key's path.
    """

    @classmethod
    def parse(cls, what: str, text: str) -> TomlTable:
        """The document's top table; ``what`` names it in a problem."""
        try:
            return cls("", tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise InvalidInput({what: f"The {what} file is not TOML: {error}."}) from error

    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self._name = name
        self._left = dict(values)

    def problem(self, key: str, sentence: str) -> InvalidInput:
        """The refusal of a key."""
        path = f"{self._name}.{key}" if self._name else key
        return InvalidInput({path: f"{path} {sentence}."})

    def take(self, key: str, kind: type | tuple[type, ...], wanted: str) -> Any:
        """The value of a key, of one kind; ``wanted`` says which."""
        value = self._left.pop(key, None)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.problem(key, f"must be {wanted}")
        return value

    def take_number(self, key: str) -> int:
        """A whole number above zero."""
        value = self.take(key, int, "a whole number above zero")
        if value <= 0:
            raise self.problem(key, "must be a whole number above zero")
        return int(value)

    def take_words(self, key: str, allowed: frozenset[str] | None = None) -> tuple[str, ...]:
        """A list of words, each one of ``allowed`` when given."""
        values = self.take(key, list, "a list of words")
        for value in values:
            if not isinstance(value, str):
                raise self.problem(key, f"holds {value!r}, which is not text in quotation marks")
            if allowed is not None and value not in allowed:
                raise self.problem(key, f"holds {value!r}, which is not one of {sorted(allowed)}")
        return tuple(values)

    def take_table(self, key: str) -> TomlTable:
        """A table within this one."""
        return TomlTable(f"{self._name}.{key}" if self._name else key, self.take(key, dict, "a table"))

    def take_tables(self, key: str) -> list[TomlTable]:
        """A list of tables ([[key]])."""
        tables = self.take(key, list, "a list of tables")
        if not tables or not all(isinstance(each, dict) for each in tables):
            raise self.problem(key, "must be a list of tables")
        return [TomlTable(f"{key}[{number}]", each) for number, each in enumerate(tables)]

    def take_pairs(self, key: str, allowed: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """A list of pairs of an allowed word and a text."""
        pairs = []
        for item in self.take(key, list, "a list of pairs"):
            if not isinstance(item, list) or len(item) != 2 or item[0] not in allowed:
                raise self.problem(key, f"holds {item!r}; write pairs such as ['O', 'nhs']")
            pairs.append((str(item[0]), str(item[1])))
        return tuple(pairs)

    def require_empty(self) -> None:
        """Refuse a key that nobody took: it is misspelt, or means something that would be ignored."""
        for key in self._left:
            raise self.problem(key, "is not a known key")
