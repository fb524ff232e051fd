"""JSON as values of Python, and the one text that two programs write for the same value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


def canonical_json(value: JsonValue) -> bytes:
    """The value as UTF-8 JSON with sorted keys and no spaces, so that a hash or signature can be repeated.

    Raises:
        ValueError: a number is not finite, which JSON cannot say.
        TypeError: something inside is no JSON value.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()
