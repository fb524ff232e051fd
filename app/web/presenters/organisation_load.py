"""What the pages of loads of organisations show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.organisation_change import Change, OrganisationChange
from app.domain.organisation_load import LoadKind, LoadStatus, OrganisationLoad
from app.web.presenters.wording import Cell, Row, TableOf, Tag, counted, moment, moment_cell, sentence

CHANGES_SHOWN = 50
_REFUSED_SHOWN = 50
_LONGEST_BAR = 300
_COLOURS = {
    LoadStatus.PREVIEWED: "blue",
    LoadStatus.APPLIED: "green",
    LoadStatus.FAILED: "red",
    LoadStatus.DISCARDED: "grey",
}
_KINDS = {LoadKind.FULL: "Full file: every organisation", LoadKind.DELTA: "Only organisations that changed"}
_WORDS = {
    Change.NEW: "New",
    Change.CHANGED: "Changed",
    Change.CLOSED: "Closed",
    Change.REOPENED: "Open again",
    Change.MISSING: "Missing",
}
_FIELDS = {
    "opened_on": "opened", "closed_on": "closed", "kind_code": "type code", "parent_code": "belongs to",
    "successor_code": "succeeded by", "joined_on": "joined", "left_on": "left", "is_site": "is a site",
    "role_codes": "roles", "uprn": "UPRN", "legal_from": "in law from", "legal_until": "in law until",
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """One bar of the chart: its top edge, and its length in the chart's own units."""

    label: str
    count: str
    top: int
    length: int


@dataclass(frozen=True)
class Chart:
    """How many organisations would change in which way; ``alternative`` says it in words."""

    bars: tuple[Bar, ...]
    alternative: str

    @property
    def height(self) -> int:
        """In the chart's own units."""
        return len(self.bars) * 32


def loads_table(loads: Sequence[OrganisationLoad]) -> TableOf:
    """The newest loads."""
    return TableOf(
        "Files handed in",
        ("File", "Handed in", "State"),
        tuple(
            (
                Cell(each.file.name, href=f"/organisation-loads/{each.id}"),
                moment_cell(each.uploaded_at),
                Cell(tag=status_tag(each)),
            )
            for each in loads
        ),
        when_empty="No file has been handed in yet.",
    )


def status_tag(load: OrganisationLoad) -> Tag:
    """The load's state."""
    return Tag(sentence(load.status), _COLOURS.get(load.status, "yellow"))


@dataclass(frozen=True)
class LoadPage:
    """One load: how far it is, what it would change or did, and what can be done now.

    Attributes:
        change: the kind of change whose list is shown; ``more_href`` leads on in it.
        percent: how far reading or applying is.
    """

    load: OrganisationLoad
    what_now: str
    details: tuple[Row, ...]
    chart: Chart | None
    counts: TableOf | None
    changes: TableOf | None
    notes: TableOf | None
    refused: TableOf | None
    more_href: str
    is_stale: bool

    @classmethod
    def of(
        cls, load: OrganisationLoad, change: Change, changes: Sequence[OrganisationChange], *, is_stale: bool
    ) -> LoadPage:
        """The page of a load, with one list of its changes."""
        has_report = load.status in (LoadStatus.PREVIEWED, LoadStatus.APPLYING, LoadStatus.APPLIED)
        base = f"/organisation-loads/{load.id}"
        shown = changes[:CHANGES_SHOWN]
        is_more = len(changes) > CHANGES_SHOWN
        return cls(
            load=load,
            what_now=_what_now(load, is_stale=is_stale),
            details=_details(load),
            chart=_chart(load) if has_report else None,
            counts=_counts(load, base) if has_report else None,
            changes=_changes_table(change, shown) if has_report else None,
            notes=_notes(load) if load.report.notes else None,
            refused=_refused(load) if load.report.refused_rows else None,
            more_href=f"{base}?change={change.value}&after={shown[-1].code}" if is_more else "",
            is_stale=is_stale,
        )

    @property
    def heading(self) -> str:
        """The load by its time; its file's name can be too long a word for a heading."""
        return f"Load of {moment(self.load.uploaded_at)}"

    @property
    def href(self) -> str:
        """The load's address."""
        return f"/organisation-loads/{self.load.id}"

    @property
    def tag(self) -> Tag:
        """The load's state."""
        return status_tag(self.load)

    @property
    def percent(self) -> int:
        """How far it is, in percent; 0 when that is not known."""
        return percent_of(self.load)

    @property
    def is_moving(self) -> bool:
        """Whether the page keeps itself up to date."""
        return self.load.status.is_moving

    @property
    def may_decide(self) -> bool:
        """Whether there is a preview to apply, make again or throw away."""
        return self.load.status is LoadStatus.PREVIEWED


def percent_of(load: OrganisationLoad) -> int:
    """How far reading or applying is, in percent."""
    return min(100, load.done * 100 // load.total) if load.total else 0


def progress_message(load: OrganisationLoad) -> dict[str, object]:
    """What the script that keeps the page up to date is told."""
    return {"status": load.status.value, "percent": percent_of(load), "text": progress_text(load)}


def progress_text(load: OrganisationLoad) -> str:
    """How far it is, in words."""
    if load.status is LoadStatus.APPLYING:
        return f"{load.done:,} of {counted(load.total, 'change')} applied."
    if load.status is LoadStatus.READING:
        return f"{percent_of(load)}% of the file compared."
    return "Waiting for its turn."


def _what_now(load: OrganisationLoad, *, is_stale: bool) -> str:
    if load.status is LoadStatus.FAILED:
        return f"{load.message} Choose another file and hand it in."
    if is_stale:
        return (
            "Organisations have changed since this preview was made, so it no longer says what would happen."
            " Make the preview again."
        )
    if load.status is LoadStatus.PREVIEWED:
        return "Nothing has been changed yet. Look at what would change, then apply it or throw it away."
    if load.status is LoadStatus.APPLIED and load.report.stale:
        left = ", ".join(load.report.stale)
        return f"Applied, except for organisations that changed meanwhile: {left}. Hand the file in again."
    if load.status.is_moving:
        return "You may leave this page. The work goes on."
    return f"This load is {load.status.value}."


def _details(load: OrganisationLoad) -> tuple[Row, ...]:
    report = load.report
    published = report.header.get("publicationdate", "")
    rows = (
        Row("File", load.file.name),
        Row("Kind", _KINDS[load.file.kind]),
        Row("Handed in", f"{moment(load.uploaded_at)} by {load.uploaded_by}"),
        Row("Size", f"{load.file.size:,} bytes"),
        Row("SHA-256", load.file.digest),
        Row("Published", published),
        Row("Organisations in the file", f"{report.read:,}" if report.read else ""),
        Row("As before", f"{report.unchanged:,}" if report.read else ""),
        Row("Only mentioned", f"{report.stubs:,}" if report.stubs else ""),
        Row("Refused", f"{report.refused:,}" if report.refused else ""),
        Row("Applied", f"{moment(load.applied_at)} by {load.applied_by}" if load.applied_at else ""),
    )
    return tuple(row for row in rows if row.value)


def _chart(load: OrganisationLoad) -> Chart:
    counts = {change: load.report.changes.get(change, 0) for change in Change}
    most = max(*counts.values(), 1)
    bars = tuple(
        Bar(_WORDS[change], f"{count:,}", nth * 32, _length(count, most))
        for nth, (change, count) in enumerate(counts.items())
    )
    told = ", ".join(f"{bar.label.lower()} {bar.count}" for bar in bars)
    return Chart(bars, f"Organisations by kind of change: {told}.")


def _length(count: int, most: int) -> int:
    """Even one of a hundred thousand can be seen."""
    return max(2, count * _LONGEST_BAR // most) if count else 0


def _counts(load: OrganisationLoad, base: str) -> TableOf:
    rows = tuple(
        (Cell(_WORDS[change], href=f"{base}?change={change.value}#changes"), Cell(f"{count:,}"))
        for change in Change
        if (count := load.report.changes.get(change, 0))
    )
    return TableOf(
        "Number of organisations", ("Change", "Organisations"), rows, "The file changes nothing.", "s"
    )


def _changes_table(change: Change, changes: Sequence[OrganisationChange]) -> TableOf:
    rows = tuple(
        (Cell(each.code), Cell(each.organisation.name), Cell(_what_changes(each))) for each in changes
    )
    return TableOf(_WORDS[change], ("Code", "Name", "What changes"), rows, "There is none of this kind.")


def _what_changes(change: OrganisationChange) -> str:
    if change.change is Change.MISSING:
        return "The full file does not have it. It stays as it is."
    if change.before is None:
        found = change.organisation
        return ", ".join(filter(None, (found.kind, found.postcode, found.parent_code)))
    told = [
        f"{_field(each.name)}: {each.before or 'nothing'} → {each.after or 'nothing'}"
        for each in change.fields()
    ]
    if change.memberships is not None:
        told.append("memberships")
    return "; ".join(told)


def _field(name: str) -> str:
    return _FIELDS.get(name, name.replace("_", " "))


def _notes(load: OrganisationLoad) -> TableOf:
    rows = tuple(
        (Cell(said), Cell(f"{count:,}"), Cell(", ".join(codes))) for said, count, codes in load.report.notes
    )
    return TableOf("Not understood or not kept", ("What", "How often", "For example"), rows)


def _refused(load: OrganisationLoad) -> TableOf:
    rows = tuple(
        (Cell(f"{line}" if line else ""), Cell(row), Cell(reason))
        for _, line, row, reason in load.report.refused_rows[:_REFUSED_SHOWN]
    )
    return TableOf("Refused", ("Line or record", "Begins with", "Why"), rows)
