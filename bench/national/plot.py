"""A plot of how cost grows with the nation, as SVG: slapd's CPU for each question, over how many people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 400, 80, 60, 40, 210
LINES = {
    "naive": ("naive compound search", "#d5281b"),
    "look-up": ("look-up of an endpoint", "#7c2855"),
    "check": ("role check (Compare)", "#005eb8"),
    "cheapest": ("slapd's cheapest operation", "#4c6272"),
}
IN_FLIGHT = 64

Point = tuple[float, float]


def write_plot(file: Path, sizes: Sequence[Mapping[str, float]]) -> None:
    """Draw the figures of several sizes, both axes logarithmic."""
    lines = {
        kind: [(size["people"], size[f"{kind}_{IN_FLIGHT}_slapd_cpu_us"]) for size in sizes] for kind in LINES
    }
    file.write_text("\n".join(_drawn(lines)) + "\n", encoding="utf-8")


def _drawn(lines: Mapping[str, Sequence[Point]]) -> list[str]:
    points = [point for line in lines.values() for point in line]
    across = _axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    down = _axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    said = "; ".join(
        f"{LINES[kind][0]}: " + ", ".join(f"{y:.0f} at {x:,.0f}" for x, y in line)
        for kind, line in lines.items()
    )
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' aria-labelledby="title desc" font-family="sans-serif" font-size="13">',
        '<title id="title">Microseconds of slapd\'s CPU for one question, over the number of people</title>',
        f'<desc id="desc">{escape(said)}</desc>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_frame(across, down),
        *(part for kind, line in lines.items() for part in _line(kind, line, across, down)),
        "</svg>",
    ]


class _Axis:
    """Where a value stands: logarithmic, whole powers of ten at both ends."""

    def __init__(self, first: int, last: int, begin: float, end: float) -> None:
        self.ticks = [10.0**power for power in range(first, last + 1)]
        self._first, self._span = first, max(last - first, 1)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        return self._begin + (self._end - self._begin) * (math.log10(value) - self._first) / self._span


def _axis(values: Sequence[float], begin: float, end: float) -> _Axis:
    return _Axis(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))), begin, end)


def _frame(across: _Axis, down: _Axis) -> list[str]:
    grid = []
    for value in across.ticks:
        x = across.at(value)
        grid.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#d8dde0"/>')
        grid.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{value:,.0f}</text>')
    for value in down.ticks:
        y = down.at(value)
        grid.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#d8dde0"/>')
        grid.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [
        *grid,
        f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">people in the directory</text>',
        f'<text x="{LEFT}" y="{TOP - 16}">microseconds of slapd\'s CPU for one question</text>',
    ]


def _line(kind: str, line: Sequence[Point], across: _Axis, down: _Axis) -> list[str]:
    words, colour = LINES[kind]
    spots = [(across.at(x), down.at(y)) for x, y in line]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
    right, height = spots[-1]
    return [
        f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in spots),
        f'<text x="{right + 10:.1f}" y="{height + 4:.1f}" fill="{colour}">{escape(words)}</text>',
    ]
