"""Asking for many systems by one CSV list: read, checked row by row, asked for; nothing is lost on the way.

One row is one system, or one more endpoint of the system in an earlier row of the same organisation and
product. Rows that cannot be used are reported by line, and do not keep the others back.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.actor import Actor
from app.domain.system_details import RELIABILITY, Endpoint, SystemDetails
from app.errors import InvalidInput, NotPermitted, Refusal
from app.ra.ids import new_record_id
from app.ra.requesting_systems import RequestingSystems

_SYSTEM = ("organisation", "product", "version", "description", "manufacturer", "interactions", "reads")
_ENDPOINT = ("endpoint_interaction", "endpoint_type", "endpoint_url", *RELIABILITY)
COLUMNS = (*_SYSTEM, *_ENDPOINT)
REQUIRED_COLUMNS = ("organisation", "product", "version", "description", "interactions")
MOST_ROWS = 1000
LARGEST_LIST_BYTES = 512 * 1024


@dataclass(frozen=True)
class ListedSystem:
    """A system of the list. ``problem`` says why it cannot be asked for; empty when it can.

    Attributes:
        lines: the lines of the file that it comes from, the heading being line 1; ``endpoint_lines`` those
            of its endpoints.
        details: None when the rows cannot be read as a system.
    """

    lines: tuple[int, ...]
    organisation: str
    product: str
    endpoint_lines: tuple[int, ...] = ()
    details: SystemDetails | None = None
    problem: str = ""
    request_id: str = ""


def systems_from_untrusted(content: bytes) -> list[ListedSystem]:
    """The systems of a CSV file: UTF-8, with a heading of the column names, comma or semicolon between.

    Raises:
        InvalidInput: under ``file``, when the file as a whole cannot be read.
    """
    groups: dict[tuple[str, str], list[tuple[int, Mapping[str, str]]]] = {}
    for line, row in _rows(content):
        groups.setdefault((row["organisation"].upper(), row["product"]), []).append((line, row))
    if not groups:
        raise _unreadable("The list has no rows below its heading.")
    return [_listed(rows) for rows in groups.values()]


def _rows(content: bytes) -> Iterator[tuple[int, Mapping[str, str]]]:
    if len(content) > LARGEST_LIST_BYTES:
        raise _unreadable(f"The list is larger than {LARGEST_LIST_BYTES // 1024} kB. Send it in parts.")
    text = _text(content)
    heading = text.partition("\n")[0]
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        _require_columns(reader.fieldnames or ())
        for number, row in enumerate(reader, 1):
            if number > MOST_ROWS:
                raise _unreadable(f"The list has more than {MOST_ROWS} rows. Send it in parts.")
            yield reader.line_num, _cells(row)
    except csv.Error as fault:
        raise _unreadable(f"Line {reader.line_num} of the list cannot be read: {fault}.") from fault


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise _unreadable("The list is not UTF-8 text. Save it as “CSV UTF-8”.") from fault


def _require_columns(names: Sequence[str]) -> None:
    known = [name.strip() for name in names]
    missing = [name for name in REQUIRED_COLUMNS if name not in known]
    unknown = [name for name in known if name not in COLUMNS]
    if missing:
        raise _unreadable(f"The list's first line must name the columns. Missing: {', '.join(missing)}.")
    if unknown or len(set(known)) < len(known):
        wrong = unknown[0] if unknown else "one that is named twice"
        raise _unreadable(f"There is no column {wrong[:60]}. Known: {', '.join(COLUMNS)}.")


def _cells(row: Mapping[str | None, str | list[str] | None]) -> Mapping[str, str]:
    cells = dict.fromkeys(COLUMNS, "")
    for name, value in row.items():
        if name is not None:
            cells[name.strip()] = value.strip() if isinstance(value, str) else ""
    # More cells than columns: the row has shifted, and nothing in it can be believed.
    return {**cells, "extra": "yes"} if None in row else cells


def _listed(rows: Sequence[tuple[int, Mapping[str, str]]]) -> ListedSystem:
    lines = tuple(line for line, _ in rows)
    first = rows[0][1]
    reached = tuple(line for line, row in rows if _has_endpoint(row))
    listed = ListedSystem(lines, first["organisation"].upper(), first["product"], reached)
    try:
        _require_one_system(rows)
        return replace(listed, details=_details([row for _, row in rows]))
    except InvalidInput as refusal:
        return replace(listed, problem=str(refusal))


def _require_one_system(rows: Sequence[tuple[int, Mapping[str, str]]]) -> None:
    first = rows[0][1]
    for line, row in rows:
        if "extra" in row:
            raise InvalidInput({"row": f"Line {line} has more cells than the heading. Put texts in quotes."})
        for name in _SYSTEM[2:]:
            if row[name] and row[name] != first[name]:
                raise InvalidInput({"row": f"Line {line} has another {name} than line {rows[0][0]}."})


def _details(rows: Sequence[Mapping[str, str]]) -> SystemDetails:
    first = rows[0]
    read = {
        "organisation": first["organisation"].upper(),
        "product": first["product"],
        "version": first["version"],
        "description": first["description"],
        "manufacturer": first["manufacturer"].upper(),
        "interactions": first["interactions"].split(),
        "reads": first["reads"].split(),
    }
    details = SystemDetails.of(read)
    return replace(details, endpoint=tuple(_endpoint(row) for row in rows if _has_endpoint(row)))


def _has_endpoint(row: Mapping[str, str]) -> bool:
    return any(row[name] for name in _ENDPOINT)


def _endpoint(row: Mapping[str, str]) -> Endpoint:
    reliability = {name: row[name] for name in RELIABILITY if row[name]}
    return Endpoint(
        row["endpoint_interaction"], row["endpoint_type"].upper(), row["endpoint_url"], reliability
    )


def _unreadable(sentence: str) -> InvalidInput:
    return InvalidInput({"file": sentence})


class ListingSystems:
    """Checks and asks for the systems of a list."""

    def __init__(self, requesting: RequestingSystems) -> None:
        self._requesting = requesting

    def preview(self, actor: Actor, content: bytes) -> list[ListedSystem]:
        """What would be asked for, and what could not be; nothing is changed.

        Raises:
            NotPermitted: the role does not carry the right at all.
            InvalidInput: under ``file``, when the file as a whole cannot be read.
        """
        return [self._checked(actor, each) for each in systems_from_untrusted(content)]

    def ask(self, actor: Actor, content: bytes, reason: str) -> tuple[str, list[ListedSystem]]:
        """Ask for every system of the list that can be; returns the list's id and what became of each.

        Raises:
            NotPermitted, InvalidInput: as ``preview``; also under ``reason``.
        """
        batch = new_record_id()
        listed = systems_from_untrusted(content)
        if not reason.strip():
            raise InvalidInput({"reason": "Say why. Whoever decides reads it, and the record keeps it."})
        return batch, [self._asked(actor, each, reason, batch) for each in listed]

    def _checked(self, actor: Actor, listed: ListedSystem) -> ListedSystem:
        if listed.details is None:
            return listed
        try:
            self._requesting.check(actor, listed.details)
        except Refusal as refusal:
            return _refused(listed, refusal)
        return listed

    def _asked(self, actor: Actor, listed: ListedSystem, reason: str, batch: str) -> ListedSystem:
        if listed.details is None:
            return listed
        try:
            request_id = self._requesting.register(actor, listed.details, reason, batch)
        except Refusal as refusal:
            return _refused(listed, refusal)
        return replace(listed, request_id=request_id)


def _refused(listed: ListedSystem, refusal: Refusal) -> ListedSystem:
    if type(refusal) is NotPermitted:
        raise refusal
    if isinstance(refusal, InvalidInput):
        return replace(listed, problem="; ".join(_with_line(listed, refusal.problems)))
    return replace(listed, problem=str(refusal))


def _with_line(listed: ListedSystem, problems: Mapping[str, str]) -> Iterator[str]:
    """Each problem with the column that it is about; an endpoint's with its line."""
    for field, sentence in problems.items():
        if field.count(".") == 2:
            _, number, name = field.split(".")
            yield f"{_column_of(name)} in line {listed.endpoint_lines[int(number)]}: {sentence}"
        else:
            yield f"{field}: {sentence}"


def _column_of(name: str) -> str:
    return name if name in RELIABILITY else f"endpoint_{name}"
