"""The steps of an issuance or card job as they stand in a ``steps`` column."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from app.domain.desk_record import JobStep


def step_row(step: JobStep) -> dict[str, str]:
    """The step as JSON."""
    row = {"name": step.name, "at": step.at.isoformat(), "outcome": step.outcome}
    return row | ({"reason": step.reason} if step.reason else {})


def step_of(row: Mapping[str, str]) -> JobStep:
    """The step that the JSON tells of."""
    return JobStep(row["name"], datetime.fromisoformat(row["at"]), row["outcome"], row.get("reason", ""))
