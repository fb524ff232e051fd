"""Reading TOML tables into the dataclasses of ``app.settings``, collecting everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints


class SectionReader:
    """Reads values of sections and remembers problems.

    Attributes:
        name: the file, for sentences.
        base: where relative paths begin.
        problems: sentences, each naming file, section and key.
    """

    def __init__(self, name: str, base: Path) -> None:
        self.name = name
        self.base = base
        self.data = base
        self.problems: list[str] = []

    def problem(self, sentence: str) -> None:
        """Remember a sentence; the file's name is put before it."""
        self.problems.append(f"{self.name}: {sentence}")

    def section(self, title: str, default: Any, table: object) -> Any:
        """The section's dataclass with the table's values in place of the defaults."""
        if not isinstance(table, Mapping):
            self.problem(f"[{title}] must be a section.")
            return default
        kinds = get_type_hints(type(default))
        for unknown in table.keys() - kinds.keys():
            self.problem(f"[{title}] {unknown}: no such setting. There are: {', '.join(sorted(kinds))}.")
        return type(default)(**{key: self._field(title, key, kinds[key], default, table) for key in kinds})

    def _field(self, title: str, key: str, kind: Any, default: Any, table: Mapping[str, object]) -> object:
        given = table.get(key, getattr(default, key))
        if isinstance(given, Path):
            given = str(given)
        value, expected = self._value(kind, given)
        if expected:
            self.problem(f"[{title}] {key}: must be {expected}, not {given!r}.")
            return getattr(default, key)
        return value

    def _value(self, kind: Any, given: object) -> tuple[object, str]:
        """The value as ``kind``, or what it should have been."""
        if NoneType in get_args(kind):
            if given in ("", None):
                return None, ""
            kind = next(each for each in get_args(kind) if each is not NoneType)
        if kind is int:
            wrong = isinstance(given, bool) or not isinstance(given, int) or given < 1
            return given, "a whole number from 1" if wrong else ""
        if not isinstance(given, str):
            return given, "text in quotation marks"
        return self._text(kind, given.replace("{data}", str(self.data)))

    def _text(self, kind: type[object], text: str) -> tuple[object, str]:
        if kind is Path:
            return self.base / Path(text).expanduser(), "" if text else "a path"
        if issubclass(kind, StrEnum):
            names = [member.value for member in kind]
            return (kind(text), "") if text in names else (text, " or ".join(f'"{name}"' for name in names))
        return text, ""


def read_sections(defaults: object, tables: Mapping[str, object], reader: SectionReader) -> dict[str, Any]:
    """Every section of the settings dataclass ``defaults``, with the tables' values."""
    assert is_dataclass(defaults)
    titles = [each.name for each in fields(defaults)]
    for unknown in tables.keys() - set(titles):
        reader.problem(f"[{unknown}]: no such section. There are: {', '.join(titles)}.")
    # The data folder first: the other sections' values may contain it.
    data = reader.section("data", getattr(defaults, "data"), tables.get("data", {}))  # noqa: B009
    reader.data = data.folder
    return {
        title: reader.section(title, getattr(defaults, title), tables.get(title, {})) for title in titles
    } | {"data": data}
