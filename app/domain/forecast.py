"""How many cards end when: by week or month, and how levelling would have spread the same cards."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

_ONE_DAY = timedelta(days=1)


class Grain(StrEnum):
    """What is counted together."""

    WEEK = "week"
    MONTH = "month"

    def first_of(self, day: date) -> date:
        """The first day of the week (Monday) or month in which the day lies."""
        return day.replace(day=1) if self is Grain.MONTH else day - day.weekday() * _ONE_DAY


@dataclass(frozen=True)
class Forecast:
    """Cards that end from ``first`` to ``last``, by day.

    Attributes:
        ending: cards by the day on which their certificates end; days without any are left out.
    """

    first: date
    last: date
    ending: Mapping[date, int]

    @property
    def total(self) -> int:
        """How many cards end in all that time."""
        return sum(self.ending.values())

    def within(self, days: int) -> int:
        """How many end within so many days from the first."""
        return sum(count for day, count in self.ending.items() if day <= self.first + days * _ONE_DAY)

    def by(self, grain: Grain) -> dict[date, int]:
        """How many end in each week or month, also in those in which none does."""
        found = Counter({grain.first_of(self.first + day * _ONE_DAY): 0 for day in range(self.days)})
        for day, count in self.ending.items():
            found[grain.first_of(day)] += count
        return dict(sorted(found.items()))

    @property
    def days(self) -> int:
        """How many days it covers, both ends included."""
        return (self.last - self.first).days + 1

    def levelled(self, window: timedelta) -> Forecast:
        """The same cards as they would end, had their ends been levelled over that window from the start.

        Each card goes to the day within the window before its end on which fewest end so far, as
        ``app.domain.renewal.levelled_end`` decides; none goes before the first day.
        """
        spread: Counter[date] = Counter()
        for day in sorted(self.ending):
            open_days = _days(max(self.first, day - window), day)
            spread.update(_shares(self.ending[day], {each: spread[each] for each in open_days}))
        return Forecast(self.first, self.last, {day: count for day, count in sorted(spread.items()) if count})


def _shares(count: int, loads: Mapping[date, int]) -> Counter[date]:
    """How many of ``count`` go to each day: one by one to the least loaded, of equals to the latest."""
    shares: Counter[date] = Counter()
    least = [(load, -day.toordinal()) for day, load in loads.items()]
    heapq.heapify(least)
    for _ in range(count):
        load, ordinal = least[0]
        heapq.heapreplace(least, (load + 1, ordinal))
        shares[date.fromordinal(-ordinal)] += 1
    return shares


def _days(first: date, last: date) -> list[date]:
    return [first + number * _ONE_DAY for number in range((last - first).days + 1)]
