"""Dates, times and numbers are written as the NHS digital service manual writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.web.presenters import wording


def test_a_day_is_written_without_leading_zeros() -> None:
    assert wording.day(date(2026, 3, 7)) == "7 March 2026"
    assert wording.day(None) == ""


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 22, 16, 5, tzinfo=UTC), "22 November 2026 at 4:05pm"),
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), "1 July 2026 at 12:30am"),
        (datetime(2026, 1, 1, 12, 0, tzinfo=UTC), "1 January 2026 at 12:00pm"),
    ],
)
def test_a_moment_is_written_in_the_time_of_the_united_kingdom(moment: datetime, expected: str) -> None:
    assert wording.moment(moment) == expected


def test_a_period_may_have_no_end() -> None:
    assert wording.period(date(2026, 5, 1), None) == "from 1 May 2026"
    assert wording.period(date(2026, 5, 1), date(2027, 4, 30)) == "1 May 2026 to 30 April 2027"


def test_things_are_counted_in_words_that_agree() -> None:
    assert wording.counted(1, "person", "people") == "1 person"
    assert wording.counted(1200, "card") == "1,200 cards"


def test_a_user_id_is_grouped_for_reading_out() -> None:
    assert wording.grouped("656005750104") == "6560 0575 0104"
