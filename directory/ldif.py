"""Records as LDIF (RFC 2849), for bulk loading."""

from __future__ import annotations

import base64

from directory.entries import Record

_DOUBTFUL = (":  ", ": :", ": <", " \n")


def ldif(record: Record) -> str:
    """One record as LDIF text that ends with an empty line."""
    lines = [f"dn: {record.dn}"]
    for name, values in record.attributes.items():
        lines += [f"{name}: {value}" for value in values]
    text = "\n".join(lines)
    return (text if _is_safe(text, lines) else _encoded(record)) + "\n\n"


def _is_safe(text: str, lines: list[str]) -> bool:
    """Whether every value can stand as it is; a doubt is a no.

    All of a record's values are tested at once: one by one, that was a third of the time of a rebuild. A line
    feed within a value makes its line unprintable.
    """
    plain = text.isascii() and "".join(lines).isprintable() and not text.endswith(" ")
    return plain and not any(map(text.__contains__, _DOUBTFUL))


def _encoded(record: Record) -> str:
    lines = [ldif_line("dn", record.dn)]
    lines += [ldif_line(name, value) for name, values in record.attributes.items() for value in values]
    return "\n".join(lines)


def ldif_line(name: str, value: str) -> str:
    """One value as ``name: value``, in base64 where RFC 2849 demands it."""
    # SAFE-STRING: ASCII that begins with none of space, colon and less-than, and does not end with a space.
    if value and value.isascii() and value.isprintable() and value[0] not in " :<" and value[-1] != " ":
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"
