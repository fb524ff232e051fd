"""Card profiles: what is particular to a kind of card, as data (config/card_profiles.toml).

One table a profile. Every key is required, an unknown key is an error, so that a slip is found at start and
not at the desk.
"""

from __future__ import annotations

import secrets
import string
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pkcs11 import Attribute

from cryptoki.errors import InvalidCardProfile
from cryptoki.key_spec import KeySpec, KeyTemplate

DEFAULT_PATH: Final = Path(__file__).parents[2] / "config" / "card_profiles.toml"

_SO_PIN_ALPHABETS: Final[Mapping[str, str]] = {
    "hex": "0123456789abcdef",
    "digits": string.digits,
    "letters-and-digits": string.ascii_letters + string.digits,
}
# The SO PIN opens the card for a new PIN, so it has at least 50 bits: 16 digits.
_WEAKEST_SO_PIN: Final = 16


@dataclass(frozen=True)
class CardProfile:
    """One kind of card. Lengths in characters.

    ``locks_itself``: whether the card counts wrong PINs and locks; where it does not, the software around it
    must. ``template`` holds the key attributes to set and to leave out. ``back_number`` is how the number on
    the card's back is written: N for a digit, A for a letter or digit, anything else as it stands.
    """

    name: str
    description: str
    module: Path
    pin_minimum: int
    pin_maximum: int
    locks_itself: bool
    so_pin_alphabet: str
    so_pin_length: int
    key_types: tuple[KeySpec, ...]
    template: KeyTemplate
    back_number: str

    def random_so_pin(self) -> str:
        """A new SO PIN in the form that the card takes."""
        return "".join(secrets.choice(self.so_pin_alphabet) for _ in range(self.so_pin_length))


def load_card_profiles(path: Path = DEFAULT_PATH) -> Mapping[str, CardProfile]:
    """The profiles in the file, by name. Raises InvalidCardProfile, saying which key of which profile."""
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidCardProfile(f"{path} cannot be read: {error}") from error
    if not tables:
        raise InvalidCardProfile(f"{path} has no profile.")
    return {name: _profile(name, table) for name, table in tables.items()}


def _profile(name: str, table: Any) -> CardProfile:
    reader = _Table(name, table)
    profile = CardProfile(
        name=name,
        description=reader.text("description"),
        module=Path(reader.text("module")),
        pin_minimum=reader.number("pin_minimum", at_least=4),
        pin_maximum=reader.number("pin_maximum", at_least=4),
        locks_itself=reader.flag("locks_itself"),
        so_pin_alphabet=reader.choice("so_pin_format", _SO_PIN_ALPHABETS),
        so_pin_length=reader.number("so_pin_length", at_least=_WEAKEST_SO_PIN),
        key_types=reader.key_types("key_types"),
        template=reader.template(),
        back_number=reader.text("back_number"),
    )
    reader.finish()
    if profile.pin_minimum > profile.pin_maximum:
        raise InvalidCardProfile(f"{name}: pin_minimum is greater than pin_maximum.")
    return profile


class _Table:
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

    def flag(self, key: str) -> bool:
        value = self._take(key, lambda value: isinstance(value, bool), "true or false")
        assert isinstance(value, bool)
        return value

    def choice(self, key: str, choices: Mapping[str, str]) -> str:
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
