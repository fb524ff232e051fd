"""A linted document as a pattern: what may differ from it is named; all else must be equal, octet for octet.

A template is made from a document that passed the whole linter. Another document fits it when it has the same
elements in the same places but for the slots; the content of the slots is the caller's to check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.ca import der

Path = tuple[int, ...]
"""Which child of which child: ``(0, 1)`` is the second element within the first."""


@dataclass(frozen=True)
class _Node:
    """One element: a slot by ``name``, its ``children`` when a slot is among them, or fixed ``octets``."""

    octets: bytes
    name: str = ""
    children: tuple[_Node, ...] = ()
    is_fixed: bool = False

    def takes(self, octets: bytes, found: dict[str, bytes]) -> bool:
        """Whether the element fits; its slots are put into ``found``."""
        if octets[:1] != self.octets[:1]:
            return False
        if self.name:
            found[self.name] = octets
            return True
        parts = der.children(octets)
        if len(parts) != len(self.children):
            return False
        return all(
            # Most are fixed: they are compared without a call for each.
            part == node.octets if node.is_fixed else node.takes(part, found)
            for node, part in zip(self.children, parts, strict=True)
        )

    def filled(self, values: Mapping[str, bytes]) -> bytes:
        """The element with these elements in its slots."""
        if self.name:
            return values[self.name]
        parts = (each.octets if each.is_fixed else each.filled(values) for each in self.children)
        return der.element(self.octets[0], *parts)


class Template:
    """The pattern of ``linted``, a complete DER element.

    Args:
        slots: names by their places. Tags never differ, nor does an element in which there is no slot.
    """

    def __init__(self, linted: bytes, slots: Mapping[Path, str]) -> None:
        self._root = _node(linted, (), slots)
        self.values = self.fitting(linted)

    def fitting(self, octets: bytes) -> dict[str, bytes] | None:
        """The slots' elements by name, complete with tag and length; None when the document does not fit."""
        found: dict[str, bytes] = {}
        try:
            return found if self._root.takes(octets, found) else None
        except der.NotDer:
            return None

    def filled(self, child: int, values: Mapping[str, bytes]) -> bytes:
        """This child of the document with elements in its slots, each complete with tag and length."""
        return self._root.children[child].filled(values)


def _node(octets: bytes, place: Path, slots: Mapping[Path, str]) -> _Node:
    if place in slots:
        return _Node(octets, name=slots[place])
    if not any(each[: len(place)] == place for each in slots):
        return _Node(octets, is_fixed=True)
    parts = der.children(octets)
    return _Node(octets, children=tuple(_node(part, (*place, at), slots) for at, part in enumerate(parts)))
