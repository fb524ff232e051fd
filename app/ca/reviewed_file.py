"""What every file of a decision about a CA says besides: why, and who reviewed it and is present."""

from __future__ import annotations

from app.domain.toml_table import TomlTable

FEWEST_WITNESSES = 2
_LONGEST_REASON = 1000


def because_from(table: TomlTable) -> str:
    """Why, in people's words: one line for the protocol and the audit.

    Raises:
        InvalidInput: it is missing, empty or too long.
    """
    return line_from(table, "because", _LONGEST_REASON)


def line_from(table: TomlTable, key: str, longest: int) -> str:
    """One line of text.

    Raises:
        InvalidInput: it is missing, empty or too long.
    """
    text = str(table.take(key, str, "text in quotation marks")).strip()
    if not text or len(text) > longest or not text.isprintable():
        raise table.problem(key, f"must be 1 to {longest} characters on one line")
    return text


def witnesses_from(table: TomlTable) -> tuple[str, ...]:
    """The full names of two or more different people.

    Raises:
        InvalidInput: there are fewer, or one is named twice.
    """
    names = tuple(name.strip() for name in table.take_words("witnesses"))
    if len({name.casefold() for name in names if name}) < max(FEWEST_WITNESSES, len(names)):
        raise table.problem("witnesses", f"must name {FEWEST_WITNESSES} or more different people")
    return names
