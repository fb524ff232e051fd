"""Raising the task that an organisation closes while people have access there. It ends nobody's access."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Protocol

from app.domain.organisation_change import Change, OrganisationChange
from app.domain.organisation_closing import Closing, ClosingStatus
from app.ra.ids import new_record_id


class Closings(Protocol):
    """``app.storage.organisation_closings``: what raising them needs."""

    def with_access(self, last_days: dict[str, date]) -> set[str]: ...
    def open(self, closing: Closing) -> None: ...
    def reopen(self, organisation_codes: Collection[str]) -> None: ...


class Work(Protocol):
    """One open transaction."""

    @property
    def now(self) -> datetime: ...
    @property
    def closings(self) -> Closings: ...


def raise_closings(work: Work, changes: Iterable[OrganisationChange]) -> None:
    """A task for each organisation that closes with these changes; those that opened again need none."""
    listed = list(changes)
    today = work.now.date()
    work.closings.reopen([each.code for each in listed if each.change is Change.REOPENED])
    # Closed, and nobody says since when: today is its last day.
    last_days = {each.code: each.organisation.closed_on or today for each in listed if each.closes}
    for code in sorted(work.closings.with_access(last_days)):
        work.closings.open(Closing(new_record_id(), code, last_days[code], work.now, ClosingStatus.OPEN))
