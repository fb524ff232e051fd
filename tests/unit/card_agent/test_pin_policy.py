"""What a new PIN must be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_agent.pin_policy import PinPolicy, looks_like_a_date

UID = "555036632106"
POLICY = PinPolicy()


@pytest.mark.parametrize("pin", ["591740", "5917402", "59174028", "482913", "20250000"])
def test_a_pin_that_follows_the_rules_is_accepted(pin: str) -> None:
    assert POLICY.problem(pin, UID) is None


@pytest.mark.parametrize(
    ("pin", "sentence"),
    [
        ("", "6 to 8 digits"),
        ("59174", "6 to 8 digits"),
        ("591740281", "6 to 8 digits"),
        ("59174a", "Enter only digits"),
        ("59 174", "Enter only digits"),
        ("٥٩١٧٤٠", "Enter only digits"),
        ("777777", "repeats itself"),
        ("00000000", "repeats itself"),
        ("121212", "repeats itself"),
        ("123123", "repeats itself"),
        ("48214821", "repeats itself"),
        ("123456", "counts up or down"),
        ("12345678", "counts up or down"),
        ("567890", "counts up or down"),
        ("987654", "counts up or down"),
        ("9876543", "counts up or down"),
        ("190384", "looks like a date"),
        ("840319", "looks like a date"),
        ("19031984", "looks like a date"),
        ("19840319", "looks like a date"),
        ("555036", "part of your user id"),
        ("6632106", "part of your user id"),
    ],
)
def test_a_guessable_pin_is_refused_with_the_reason(pin: str, sentence: str) -> None:
    assert sentence in str(POLICY.problem(pin, UID))


def test_the_lengths_are_the_jobs() -> None:
    policy = PinPolicy(4, 4)
    assert policy.problem("5917", UID) is None
    assert policy.problem("59174", UID) == "The new PIN must be 4 to 4 digits. Enter only digits."
    assert policy.rules()[0] == "It must have 4 to 4 digits, and only digits."


@given(st.integers(1, 31), st.integers(1, 12), st.integers(1900, 2099))
def test_every_date_is_seen_as_one(day: int, month: int, year: int) -> None:
    assert looks_like_a_date(f"{day:02}{month:02}{year}")
    assert looks_like_a_date(f"{year}{month:02}{day:02}")
    assert looks_like_a_date(f"{day:02}{month:02}{year % 100:02}")


@given(st.text(max_size=12))
def test_any_text_is_judged(text: str) -> None:
    accepted = POLICY.problem(text, UID) is None
    assert not accepted or (text.isascii() and text.isdigit())


@given(st.from_regex(r"\A[0-9]{6,8}\Z"))
def test_what_is_accepted_is_within_the_lengths_and_no_run(pin: str) -> None:
    if POLICY.problem(pin, UID) is None:
        assert 6 <= len(pin) <= 8
        assert len(set(pin)) > 1
        assert pin not in "01234567890"
