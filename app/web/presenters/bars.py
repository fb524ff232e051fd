"""Bar charts as SVG: where each bar and label goes. The numbers are told in words, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_LONGEST = 440
_ROW = 48


@dataclass(frozen=True)
class NamedBar:
    """One bar under its name: the top edge of its row, and its length in the chart's own units."""

    label: str
    count: str
    top: int
    length: int
    is_low: bool


@dataclass(frozen=True)
class NamedBars:
    """Bars, each under its name; ``alternative`` says the same in words."""

    bars: tuple[NamedBar, ...]
    alternative: str

    @property
    def height(self) -> int:
        """In the chart's own units."""
        return len(self.bars) * _ROW


def named_bars(what: str, counts: Sequence[tuple[str, int, bool]]) -> NamedBars:
    """The chart of names with numbers, and whether each number is low.

    Args:
        what: is counted, e.g. ``Blank cards``.
    """
    most = max((count for _, count, _ in counts), default=0)
    bars = tuple(
        NamedBar(label, f"{count:,}", nth * _ROW, _length(count, most), is_low)
        for nth, (label, count, is_low) in enumerate(counts)
    )
    told = "; ".join(f"{bar.label}: {bar.count}{' (low)' if bar.is_low else ''}" for bar in bars)
    return NamedBars(bars, f"{what}. {told}.")


def _length(count: int, most: int) -> int:
    """Even one of a hundred thousand can be seen."""
    return max(2, count * _LONGEST // most) if count else 0
