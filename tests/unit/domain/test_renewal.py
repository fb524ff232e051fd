"""When cards may be renewed, what their age makes of them, and how ends are levelled."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.card import CardStatus
from app.domain.renewal import CardMustBeSeen, RenewalNotDue, RenewalRules, levelled_end

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
RULES = RenewalRules()
IN_90_DAYS, A_SECOND = NOW + timedelta(days=90), timedelta(seconds=1)


def test_a_card_becomes_expiring_90_days_before_its_end_and_expired_after_it() -> None:
    assert RULES.aged(CardStatus.ACTIVE, IN_90_DAYS + A_SECOND, NOW) is CardStatus.ACTIVE
    assert RULES.aged(CardStatus.ACTIVE, IN_90_DAYS, NOW) is CardStatus.EXPIRING
    assert RULES.aged(CardStatus.EXPIRING, NOW, NOW) is CardStatus.EXPIRING
    assert RULES.aged(CardStatus.EXPIRING, NOW - A_SECOND, NOW) is CardStatus.EXPIRED


@pytest.mark.parametrize("status", [CardStatus.LOCKED, CardStatus.SUSPENDED])
def test_a_card_that_cannot_be_used_stays_so_until_it_expires(status: CardStatus) -> None:
    assert RULES.aged(status, NOW + A_SECOND, NOW) is status
    assert RULES.aged(status, NOW - A_SECOND, NOW) is CardStatus.EXPIRED


def test_nothing_is_renewed_before_its_time_and_the_refusal_says_when() -> None:
    RULES.require_due(IN_90_DAYS, NOW)
    with pytest.raises(RenewalNotDue, match="It can be renewed from 27 November 2026"):
        RULES.require_due(IN_90_DAYS + timedelta(days=1), NOW)


def test_after_two_renewals_by_the_holder_somebody_must_see_them() -> None:
    RULES.require_holder_may_again(1)
    with pytest.raises(CardMustBeSeen):
        RULES.require_holder_may_again(2)


def test_the_end_is_moved_to_the_day_on_which_fewest_end_and_never_later() -> None:
    ending = {(NOW - timedelta(days=days)).date(): days != 3 for days in range(8)}
    assert levelled_end(NOW, timedelta(days=7), ending) == NOW - timedelta(days=3)
    assert levelled_end(NOW, timedelta(days=7), {}) == NOW
    assert levelled_end(NOW, timedelta(0), {NOW.date(): 9}) == NOW


def test_a_cliff_is_levelled() -> None:
    ending: Counter[object] = Counter()
    for _ in range(310):
        ending[levelled_end(NOW, timedelta(days=30), ending).date()] += 1  # type: ignore[arg-type]
    assert set(ending.values()) == {10}
    assert max(ending) == NOW.date()  # type: ignore[type-var]
