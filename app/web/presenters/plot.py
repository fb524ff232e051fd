"""Plots as SVG: where each line and label goes. A plot is also told in a sentence and as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from app.web.presenters.wording import Cell, TableOf, clock_time, day, moment

STEPS = 120
"""Into how many steps the time is cut: each shows the highest value in it."""
WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 632, 12, 188
_ROWS = 12
_LINES = 4
_ONE_DAY = timedelta(days=1)
_A_SEASON = timedelta(days=90)

Points = Sequence[tuple[datetime, float | None]]
"""Moments and values, oldest first; None where the value was not to be had."""


@dataclass(frozen=True)
class Tick:
    """A label at a place along an axis, in the plot's own units."""

    place: float
    text: str


@dataclass(frozen=True)
class Plot:
    """A plot, ready to be drawn.

    Attributes:
        name: unique on the page.
        summary: what a reader who does not see it needs to know.
        lines: each unbroken run of values as SVG points; a gap is where nothing was known.
        single: values that stand alone between gaps.
        table: the values, for those who want numbers.
    """

    name: str
    title: str
    summary: str
    lines: tuple[str, ...]
    single: tuple[tuple[float, float], ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    table: TableOf


@dataclass(frozen=True)
class _Frame:
    """From moments and values to places in the picture."""

    begin: datetime
    length: timedelta
    top_value: float

    def x(self, at: datetime) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * ((at - self.begin) / self.length), 1)

    def y(self, value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * value / self.top_value, 1)


def plot(
    name: str,
    title: str,
    points: Points,
    begin: datetime,
    end: datetime,
    said: Callable[[float], str],
    short: Callable[[float], str] | None = None,
) -> Plot:
    """Draw ``points`` between two moments.

    Args:
        said: writes a value with its unit, e.g. ``3 minutes``.
        short: writes it beside the axis, where ten letters fit; as ``said`` unless given.
    """
    steps = _highest_of_steps(points, begin, end)
    known = [(at, value) for at, value in steps if value is not None]
    told = _the_day if end - begin > _A_SEASON else moment
    frame = _Frame(begin, end - begin, _round_top(max((value for _, value in known), default=0)))
    runs = [
        [(frame.x(at), frame.y(value)) for at, value in run if value is not None]
        for is_known, run in groupby(steps, lambda step: step[1] is not None)
        if is_known
    ]
    return Plot(
        name,
        title,
        _summary(known, said, told),
        lines=tuple(" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1),
        single=tuple(run[0] for run in runs if len(run) == 1),
        across=tuple(_across(frame)),
        up=tuple(_up(frame, short or said)),
        table=_table(title, known, said, told),
    )


def _highest_of_steps(points: Points, begin: datetime, end: datetime) -> list[tuple[datetime, float | None]]:
    """One value a step. A step without any sample has none, so that the line is broken there."""
    length = (end - begin) / STEPS
    by_step: dict[int, list[float]] = {}
    for at, value in points:
        if value is not None and begin <= at <= end:
            by_step.setdefault(min(int((at - begin) / length), STEPS - 1), []).append(value)
    return [
        (begin + length * (step + 0.5), max(by_step[step]) if step in by_step else None)
        for step in range(STEPS)
    ]


def _round_top(highest: float) -> float:
    """A little more than the highest value, so that the lines across have round numbers."""
    if highest <= _LINES:
        return _LINES
    unit: float = 10 ** math.floor(math.log10(highest))
    return next(top * unit for top in (1, 2, 4, 6, 8, 10) if top * unit >= highest)


def _across(frame: _Frame) -> Iterator[Tick]:
    for part in range(_LINES + 1):
        at = frame.begin + frame.length * part / _LINES
        yield Tick(frame.x(at), _when(at, frame.length))


def _up(frame: _Frame, said: Callable[[float], str]) -> Iterator[Tick]:
    for part in range(_LINES + 1):
        value = frame.top_value * part / _LINES
        yield Tick(frame.y(value), said(value))


def _when(at: datetime, length: timedelta) -> str:
    """The time of day; with the day when the plot is longer; the month alone when it is far longer."""
    if length <= _ONE_DAY:
        return clock_time(at)
    if length > _A_SEASON:
        return f"{at:%b %Y}"
    return f"{day(at.date()).rpartition(' ')[0]}, {clock_time(at)}"


def _the_day(at: datetime) -> str:
    return day(at.date())


def _summary(
    known: Sequence[tuple[datetime, float]], said: Callable[[float], str], told: Callable[[datetime], str]
) -> str:
    if not known:
        return "Nothing is known for this time."
    at, highest = max(known, key=lambda each: each[1])
    return f"Last {said(known[-1][1])}. Highest {said(highest)}, on {told(at)}."


def _table(
    title: str,
    known: Sequence[tuple[datetime, float]],
    said: Callable[[float], str],
    told: Callable[[datetime], str],
) -> TableOf:
    """At most ``_ROWS`` rows, newest first, each with the highest value since the row below it."""
    every = max(1, math.ceil(len(known) / _ROWS))
    runs = [known[max(0, last - every) : last] for last in range(len(known), 0, -every)]
    rows = tuple((Cell(told(run[-1][0])), Cell(said(max(value for _, value in run)))) for run in runs)
    return TableOf(title, ("Up to", "Highest"), rows, when_empty="Nothing is known for this time.", size="s")
