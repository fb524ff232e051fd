"""12-digit ids and their check digit. The vectors are published ids, not made for this test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.uuid import check_digit_is_right, id_of, mistyped_notice

NUMBERS = st.integers(min_value=1, max_value=999_999_999)


@pytest.mark.parametrize("published", ["656005750104", "555254239107", "563476650108", "555253521108"])
def test_published_ids_of_the_current_series_fit(published: str) -> None:
    assert check_digit_is_right(published) is True


def test_a_published_id_of_the_older_series_fits() -> None:
    assert check_digit_is_right("102048848984") is True


def test_a_hand_edited_neighbour_does_not_fit() -> None:
    assert check_digit_is_right("656005750105") is False


def test_a_series_without_a_known_rule_is_not_judged() -> None:
    assert check_digit_is_right("200000000149") is None
    assert mistyped_notice("200000000149") is None


@given(NUMBERS)
def test_every_new_id_fits(number: int) -> None:
    identifier = id_of(number)
    assert len(identifier) == 12
    assert check_digit_is_right(identifier) is True


@given(NUMBERS, st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(number: int, place: int, by: int) -> None:
    right = id_of(number)
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    assert mistyped_notice(wrong) is not None
    assert mistyped_notice(right) is None


@pytest.mark.parametrize("number", [0, 1_000_000_000])
def test_the_series_has_an_end(number: int) -> None:
    with pytest.raises(ValueError, match="series"):
        id_of(number)


def test_a_notice_counts_the_digits() -> None:
    assert "you typed 11" in (mistyped_notice("65600575010") or "")


def test_an_id_typed_in_groups_is_understood() -> None:
    assert mistyped_notice("6560 0575 0104") is None


@pytest.mark.parametrize("name", ["Osei", "Amara Osei", "6a", "٦٥٦٠٠٥٧٥٠١٠٤"])
def test_a_name_gets_no_notice(name: str) -> None:
    assert mistyped_notice(name) is None
