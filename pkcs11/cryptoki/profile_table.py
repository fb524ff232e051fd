"""One table of the file of card profiles, from which each key is taken once, with its type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pkcs11 import Attribute

from cryptoki.errors import InvalidCardProfile
from cryptoki.key_spec import KeySpec, KeyTemplate

Choice = TypeVar("Choice")


class ProfileTable:
    """One profile's table, from which each key is taken once."""

    def __init__(self, name: str, table: Any) -> None:
        if not isinstance(table, dict):
            raise InvalidCardProfile(f"{name}: a profile is a table, such as [{name}].")
        self._name = name
        self._left: dict[str, Any] = dict(table)

    def text(self, key: str) -> str:
        value = self._take(key, lambda value: isinstance(value, str) and value != "", "a text")
        assert isinstance(value, str)
        return value

    def number(self, key: str, *, at_least: int) -> int:
        value = self._take(
            key, lambda value: type(value) is int and value >= at_least, f"a number from {at_least}"
        )
        assert isinstance(value, int)
        return value

    def optional_text(self, key: str) -> str:
        value = self._take(key, lambda value: isinstance(value, str), "a text, which may be empty")
        assert isinstance(value, str)
        return value

    def texts(self, key: str) -> list[str]:
        def right(value: Any) -> bool:
            return isinstance(value, list) and all(isinstance(text, str) and text for text in value)

        found: list[str] = self._take(key, right, "a list of texts")
        return found

    def pattern(self, key: str) -> re.Pattern[str]:
        text = self.text(key)
        try:
            return re.compile(text)
        except re.error as error:
            raise InvalidCardProfile(f"{self._name}: {key} is no regular expression: {error}.") from error

    def octets(self, key: str) -> tuple[bytes, ...]:
        def right(value: Any) -> bool:
            return isinstance(value, list) and all(
                isinstance(text, str) and re.fullmatch("([0-9a-f]{2})+", text) for text in value
            )

        found = self._take(key, right, "a list of texts in lower-case hexadecimal")
        return tuple(bytes.fromhex(text) for text in found)

    def flag(self, key: str) -> bool:
        value = self._take(key, lambda value: isinstance(value, bool), "true or false")
        assert isinstance(value, bool)
        return value

    def choice(self, key: str, choices: Mapping[str, Choice]) -> Choice:
        wanted = "one of " + ", ".join(choices)
        return choices[self._take(key, lambda value: isinstance(value, str) and value in choices, wanted)]

    def key_types(self, key: str) -> tuple[KeySpec, ...]:
        known = {spec.value: spec for spec in KeySpec}
        names = self._names(key, known)
        if not names:
            raise InvalidCardProfile(f"{self._name}: {key} names no kind of key.")
        return tuple(known[name] for name in names)

    def template(self) -> KeyTemplate:
        attributes = Attribute.__members__
        return KeyTemplate(
            private_set=self._attribute_values("private_set"),
            private_drop=frozenset(self._names("private_drop", attributes)),
            public_set=self._attribute_values("public_set"),
            public_drop=frozenset(self._names("public_drop", attributes)),
            replaces=self.flag("keys_replace"),
        )

    def finish(self) -> None:
        if self._left:
            raise InvalidCardProfile(f"{self._name}: unknown key {', '.join(sorted(self._left))}.")

    def _attribute_values(self, key: str) -> Mapping[str, bool]:
        def right(value: Any) -> bool:
            return isinstance(value, dict) and all(
                name in Attribute.__members__ and isinstance(flag, bool) for name, flag in value.items()
            )

        values = self._take(key, right, "a table of PKCS#11 attributes, each true or false")
        assert isinstance(values, dict)
        return values

    def _names(self, key: str, known: Mapping[str, Any]) -> list[str]:
        def right(value: Any) -> bool:
            return isinstance(value, list) and all(isinstance(name, str) and name in known for name in value)

        names = self._take(key, right, f"a list of names, of {', '.join(sorted(known)[:8])} ...")
        assert isinstance(names, list)
        return names

    def _take(self, key: str, right: Callable[[Any], bool], wanted: str) -> Any:
        if key not in self._left:
            raise InvalidCardProfile(f"{self._name}: {key} is missing; it is {wanted}.")
        value = self._left.pop(key)
        if not right(value):
            raise InvalidCardProfile(f"{self._name}: {key} is {value!r}, but must be {wanted}.")
        return value
