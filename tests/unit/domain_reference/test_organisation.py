"""Organisations: what is searched in, memberships in time, systems' two people."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.domain.organisation import Membership, search_words
from app.domain.system import ApprovedByRequester, FourEyes

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_words_are_compared_without_case_accents_and_punctuation() -> None:
    assert search_words("St. Mary's & Café-Clinic (EX14 2NY)") == [
        "st",
        "marys",
        "cafe",
        "clinic",
        "ex14",
        "2ny",
    ]
    assert search_words(" .%_ ") == []


def test_a_membership_holds_from_its_first_to_its_last_day() -> None:
    membership = Membership("A81001", "00K", "W", date(2013, 4, 1), date(2020, 3, 31))
    days = [date(2013, 3, 31), date(2013, 4, 1), date(2020, 3, 31), date(2020, 4, 1)]
    assert [membership.holds_on(day) for day in days] == [False, True, True, False]


def test_nobody_approves_what_they_asked_for() -> None:
    with pytest.raises(ApprovedByRequester):
        FourEyes("555254239107", NOW, "555254239107", NOW)
