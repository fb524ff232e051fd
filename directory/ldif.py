"""Records as LDIF (RFC 2849), for bulk loading."""

from __future__ import annotations

import base64
import re

from directory.entries import Record

_SAFE = re.compile(r"[\x21-\x39\x3b\x3d-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
"""SAFE-STRING: ASCII that begins with none of space, colon and less-than, and does not end with a space."""


def ldif(record: Record) -> str:
    """One record as LDIF text that ends with an empty line."""
    lines = [ldif_line("dn", record.dn)]
    lines += [ldif_line(name, value) for name, values in record.attributes.items() for value in values]
    return "\n".join(lines) + "\n\n"


def ldif_line(name: str, value: str) -> str:
    """One value as ``name: value``, in base64 where RFC 2849 demands it."""
    if _SAFE.fullmatch(value):
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"
