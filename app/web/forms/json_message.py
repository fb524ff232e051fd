"""Reads a JSON message of a program strictly: exactly the named members, each of its type, nothing else."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from app.errors import InvalidInput

_NUL = rb"\u0000"
"""As JSON writes it; PostgreSQL keeps none in a text."""


class JsonMessage:
    """One JSON object, taken apart member by member.

    Args:
        members: the decoded object.
        where: its place in the whole message, for the sentences of refusals.
    """

    def __init__(self, members: Mapping[str, Any], where: str = "") -> None:
        self._members = members
        self._where = where

    @classmethod
    def from_untrusted(cls, body: bytes, expected: frozenset[str]) -> JsonMessage:
        """The message in a request's body.

        Args:
            body: UTF-8 JSON.
            expected: exactly these members.

        Raises:
            InvalidInput: not JSON, not an object, a member missing, unknown or named twice,
                or a NUL in a text.
        """
        if _NUL in body:
            raise InvalidInput({"body": "No text in the body may hold a NUL."})
        try:
            decoded = json.loads(body, object_pairs_hook=_object_without_repeats)
        except (ValueError, RecursionError) as cause:
            raise InvalidInput(
                {"body": "The body must be JSON in UTF-8, with each member named once."}
            ) from cause
        message = cls(_as_object(decoded, "body"))
        message._require_exactly(expected)
        return message

    def _require_exactly(self, expected: frozenset[str]) -> None:
        problems = {name: f"“{self._where}{name}” is missing." for name in expected - self._members.keys()}
        problems |= {
            name: f"“{self._where}{name}” is not known here." for name in self._members.keys() - expected
        }
        if problems:
            raise InvalidInput(problems)

    def text(self, name: str, longest: int) -> str:
        """A string of 1 to ``longest`` characters."""
        value = self._members[name]
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise self._wrong(name, f"must be a string of 1 to {longest} characters")
        return value

    def base64_bytes(self, name: str, longest: int) -> bytes:
        """Bytes in standard base64 (RFC 4648 section 4), 1 to ``longest`` of them after decoding."""
        encoded = self.text(name, longest * 2)
        try:
            decoded = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as cause:
            raise self._wrong(name, "must be base64") from cause
        if not 1 <= len(decoded) <= longest:
            raise self._wrong(name, f"must hold 1 to {longest} bytes")
        return decoded

    def base64_bytes_or_null(self, name: str, longest: int) -> bytes | None:
        """As ``base64_bytes``; None for ``null``."""
        return None if self._members[name] is None else self.base64_bytes(name, longest)

    def hexadecimal(self, name: str, digits: int) -> str:
        """A lower-case hexadecimal string of exactly ``digits`` digits."""
        value = self.text(name, digits)
        if len(value) != digits or set(value) - set("0123456789abcdef"):
            raise self._wrong(name, f"must be {digits} hexadecimal digits in lower case")
        return value

    def inner(self, name: str, expected: frozenset[str]) -> JsonMessage:
        """An object inside this one, with exactly these members."""
        message = JsonMessage(_as_object(self._members[name], name), f"{self._where}{name}.")
        message._require_exactly(expected)
        return message

    def inner_or_null(self, name: str, expected: frozenset[str]) -> JsonMessage | None:
        """As ``inner``; None for ``null``."""
        return None if self._members[name] is None else self.inner(name, expected)

    def texts(self, name: str, most: int, longest: int) -> list[str]:
        """A list of at most ``most`` strings, each of at most ``longest`` characters."""
        value = self._members[name]
        if not isinstance(value, list) or len(value) > most:
            raise self._wrong(name, f"must be a list of at most {most} strings")
        if not all(isinstance(each, str) and len(each) <= longest for each in value):
            raise self._wrong(name, f"must hold strings of at most {longest} characters")
        return value

    def any_object(self, name: str) -> dict[str, Any]:
        """An object that we only keep and never read: any members."""
        return dict(_as_object(self._members[name], name))

    def any_list(self, name: str) -> list[Any]:
        """A list of anything, which whoever asked takes apart."""
        value = self._members[name]
        if not isinstance(value, list):
            raise self._wrong(name, "must be a list")
        return value

    def _wrong(self, name: str, why: str) -> InvalidInput:
        return InvalidInput({name: f"“{self._where}{name}” {why}."})


def _as_object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput({name: f"“{name}” must be an object."})
    return value


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")
    return members
