"""The renewal cliff: counted by week and month, and levelled."""

from __future__ import annotations

from datetime import date, timedelta

from app.domain.forecast import Forecast, Grain

FIRST = date(2026, 11, 26)  # a Thursday
CLIFF = date(2027, 5, 5)


def forecast(ending: dict[date, int]) -> Forecast:
    return Forecast(FIRST, FIRST + timedelta(days=729), ending)


def test_cards_are_counted_by_week_and_month_with_the_empty_ones() -> None:
    found = forecast({FIRST: 2, FIRST + timedelta(days=3): 1, FIRST + timedelta(days=4): 5, CLIFF: 7})
    weeks = found.by(Grain.WEEK)
    assert list(weeks)[:3] == [date(2026, 11, 23), date(2026, 11, 30), date(2026, 12, 7)]
    assert list(weeks.values())[:3] == [3, 5, 0]
    assert len(weeks) == 105
    months = found.by(Grain.MONTH)
    assert (months[date(2026, 11, 1)], months[date(2027, 5, 1)]) == (8, 7)
    assert sum(months.values()) == found.total == 15


def test_the_filters_count_from_today() -> None:
    found = forecast({FIRST + timedelta(days=days): 1 for days in (0, 7, 8, 30, 31, 90, 91)})
    assert [found.within(days) for days in (7, 30, 60, 90)] == [2, 4, 5, 6]


def test_levelling_spreads_a_cliff_evenly_and_only_forward() -> None:
    levelled = forecast({CLIFF: 310}).levelled(timedelta(days=30))
    assert set(levelled.ending.values()) == {10}
    assert (min(levelled.ending), max(levelled.ending)) == (CLIFF - timedelta(days=30), CLIFF)
    assert levelled.total == 310


def test_levelling_fills_the_valleys_between_cliffs_and_loses_nobody() -> None:
    cliffs = {CLIFF: 100, CLIFF + timedelta(days=20): 100, CLIFF + timedelta(days=21): 40}
    levelled = forecast(cliffs).levelled(timedelta(days=60))
    assert levelled.total == 240
    assert max(levelled.ending.values()) <= 5
    assert forecast(cliffs).levelled(timedelta(0)).ending == cliffs


def test_levelling_ends_nothing_before_today() -> None:
    levelled = forecast({FIRST + timedelta(days=2): 30}).levelled(timedelta(days=60))
    assert levelled.ending == {FIRST + timedelta(days=days): 10 for days in range(3)}
