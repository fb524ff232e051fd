"""What the pages of batches show, and the report that is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.actor import Actor
from app.domain.issuance import IssuanceStatus
from app.ra.batch_records import BatchLine, BatchRecord
from app.web.presenters.batch_people import left_out_table
from app.web.presenters.states import issuance_tag
from app.web.presenters.wording import Cell, Row, TableOf, Tag, counted, day, grouped, moment, moment_cell

_WAITING = Tag("Waiting", "grey")
_OPEN, _FINISHED = Tag("Open", "blue"), Tag("Finished", "green")
_NO_CARD = Tag("No card", "red")


@dataclass(frozen=True)
class BatchPage:
    """One batch."""

    heading: str
    href: str
    status: str
    is_open: bool
    may_go_to_desk: bool
    percent: int
    message: str
    details: tuple[Row, ...]
    cards: TableOf
    left_out: TableOf | None

    @classmethod
    def of(cls, record: BatchRecord, actor: Actor) -> BatchPage:
        """The page of a batch as it stands, for one actor."""
        batch, is_open = record.batch, record.batch.finished_at is None
        return cls(
            heading=batch.title,
            href=f"/batches/{batch.id}",
            status=_status(record),
            is_open=is_open,
            may_go_to_desk=is_open and batch.operator_uid == actor.uid,
            percent=_percent(record),
            message=_message(record),
            details=_details(record),
            cards=TableOf(
                "Cards",
                ("For", "User id", "Card", "State", "When", "Why not"),
                tuple(_row(line) for line in record.lines),
            ),
            left_out=left_out_table(batch.left_out, "Left out of this batch") if batch.left_out else None,
        )


def _details(record: BatchRecord) -> tuple[Row, ...]:
    rows = (
        Row("Begun by", record.operator.name),
        Row("Begun", moment(record.batch.begun_at)),
        Row("Holders", "Come to the desk" if record.batch.holders_present else "Need not be there"),
        Row("Can be used from", day(record.batch.usable_from)),
        Row("Finished", moment(record.batch.finished_at)),
    )
    return tuple(row for row in rows if row.value)


def _row(line: BatchLine) -> tuple[Cell, ...]:
    issuance = f"/issuances/{line.item.issuance_id}" if line.item.issuance_id else ""
    return (
        Cell(line.person.name, href=f"/people/{line.person.uid}"),
        Cell(grouped(line.person.uid)),
        Cell(line.card_serial or "", href=issuance if line.card_serial else ""),
        Cell(tag=_tag(line)),
        moment_cell(line.ended_at),
        Cell(line.reason),
    )


def _tag(line: BatchLine) -> Tag:
    if line.item.refused or (line.status is None and line.reason):
        return _NO_CARD
    if line.status is IssuanceStatus.ACTIVE:
        return Tag("Issued, locked" if line.is_locked else "Issued", "green")
    return issuance_tag(line.status) if line.status else _WAITING


def _percent(record: BatchRecord) -> int:
    return 100 * record.ended // max(record.total, 1)


def _message(record: BatchRecord) -> str:
    return f"{record.ended} of {counted(record.total, 'card')} done"


def _status(record: BatchRecord) -> str:
    """Changes whenever the page has other rows to show."""
    return f"{record.ended}-{'open' if record.batch.finished_at is None else 'finished'}"


def progress_message(record: BatchRecord) -> dict[str, Any]:
    """How far the batch is, as JSON for the script."""
    return {"status": _status(record), "percent": _percent(record), "text": _message(record)}


def report_rows(record: BatchRecord) -> Iterator[tuple[str, ...]]:
    """The lines of the report, with their heading: each card, then each line that was left out."""
    yield ("number", "uid", "name", "card", "state", "ended_at", "reason")
    for line in record.lines:
        number, card = str(line.item.position), line.card_serial or ""
        ended = line.ended_at.isoformat(timespec="seconds") if line.ended_at else ""
        yield (number, line.person.uid, _as_text(line.person.name), card, _tag(line).text, ended, line.reason)
    for each in record.batch.left_out:
        reason = f"Line {each.line} of the list: {each.reason}"
        yield ("", _as_text(each.text), _as_text(each.name), "", "Left out", "", reason)


def _as_text(value: str) -> str:
    """What a spreadsheet would take for a formula stays text."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def batches_table(records: Sequence[BatchRecord]) -> TableOf:
    """The newest batches."""
    return TableOf(
        "Batches",
        ("Name", "Begun by", "Begun", "Cards", "State"),
        tuple(
            (
                Cell(record.batch.title, href=f"/batches/{record.batch.id}"),
                Cell(record.operator.name),
                moment_cell(record.batch.begun_at),
                Cell(f"{record.ended} of {record.total}"),
                Cell(
                    tag=Tag("Open", "blue") if record.batch.finished_at is None else Tag("Finished", "green")
                ),
            )
            for record in records
        ),
        when_empty="There is no batch yet.",
    )
