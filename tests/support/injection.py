"""Values that would change a question or a name if they were put into a filter, a DN or LDIF as they are.

And what notices which values a page takes: the names that a view asks a form, an address or a message for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import product
from typing import Any, TypeVar

import pytest
from flask import Flask, Request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from app.web.forms.json_message import JsonMessage

Value = TypeVar("Value")

ATTACKS = (
    "*",
    "A)(|(objectClass=*)",
    '555000000017,ou=People,o=nhs+cn=\\2C\\"#;<>',
    "A81001\ndn: uid=555999999999,ou=People,o=nhs\nobjectClass: nhsPerson",
    "A81001\0)(uid=*",
)
"""A wildcard; a filter; more of a DN, and what RFC 4514 escapes; another entry in LDIF; a C string's end."""
TYPED = tuple(attack for attack in ATTACKS if "\0" not in attack)
"""What reaches a use case from a page or a command line: neither lets a NUL through."""

EVERYTHING = "(everything)"


class Names:
    """What a view asked for since it was last forgotten.

    Attributes:
        asked: names in forms and addresses; ``EVERYTHING`` when it took whatever was sent.
        members: names in JSON messages.
    """

    def __init__(self, patch: pytest.MonkeyPatch, app: Flask) -> None:
        self.asked: set[str] = set()
        self.members: set[str] = set()
        kept, copied = _noting(ImmutableMultiDict, self.asked), _noting(MultiDict, self.asked)
        request = type("NotingRequest", (Request,), {"parameter_storage_class": kept})
        patch.setattr(app, "request_class", request)
        patch.setattr("app.web.forms.submitted.MultiDict", copied)
        require_exactly = JsonMessage._require_exactly

        def noting(message: JsonMessage, expected: frozenset[str]) -> None:
            self.members.update(expected)
            require_exactly(message, expected)

        patch.setattr(JsonMessage, "_require_exactly", noting)

    def forget(self) -> None:
        self.asked.clear()
        self.members.clear()


def _noting(kind: type[Any], asked: set[str]) -> type[Any]:
    """A dictionary that notes each name that it is asked for."""

    def get(self: Any, name: str, *given: Any, **named: Any) -> Any:
        asked.add(name)
        return kind.get(self, name, *given, **named)

    def getlist(self: Any, name: str, *given: Any, **named: Any) -> Any:
        asked.add(name)
        return kind.getlist(self, name, *given, **named)

    def contains(self: Any, name: object) -> bool:
        asked.add(str(name))
        return bool(kind.__contains__(self, name))

    return type(f"Noting{kind.__name__}", (kind,), {"get": get, "getlist": getlist, "__contains__": contains})


@dataclass(frozen=True)
class Attacked:
    """A value of the product with an attack in one of its places."""

    place: str
    attack: str
    value: Any = field(repr=False)


def attacked(make: Callable[[int], Value], attacks: tuple[str, ...] = ATTACKS) -> Iterator[Attacked]:
    """Values, each with one attack in one text of it, however deep that lies: every attack in every text.

    Args:
        make: makes a value that can be used, another for each number.
    """
    places = [place for place, _ in _each_text(make(0), "")]
    for number, (attack, place) in enumerate(product(attacks, places), start=1):
        yield Attacked(place, attack, dict(_each_text(make(number), attack))[place])


def _each_text(value: Any, attack: str, place: str = "") -> Iterator[tuple[str, Any]]:
    if type(value) is str:
        yield place, attack
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            inner = _each_text(getattr(value, each.name), attack, f"{place}.{each.name}")
            yield from ((where, replace(value, **{each.name: changed})) for where, changed in inner)
    elif isinstance(value, Mapping):
        for key, held in value.items():
            yield from (
                (where, {**value, key: changed})
                for where, changed in _each_text(held, attack, f"{place}.{key}")
            )
    elif isinstance(value, tuple | list):
        for index, held in enumerate(value):
            for where, changed in _each_text(held, attack, f"{place}.{index}"):
                yield where, type(value)([*value[:index], changed, *value[index + 1 :]])
