"""A card's life."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.card import (
    BLANK,
    LEGAL_MOVES,
    LIVE,
    Card,
    CardMoveNotAllowed,
    CardNotBlank,
    CardStatus,
    require_blank,
    require_legal_move,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def card(status: CardStatus) -> Card:
    return Card("00000001", "softhsm", "710000001104", status, NOW)


def reachable(start: CardStatus) -> set[CardStatus]:
    seen: set[CardStatus] = set()
    waiting = [start]
    while waiting:
        for following in LEGAL_MOVES[waiting.pop()] - seen:
            seen.add(following)
            waiting.append(following)
    return seen


def test_every_state_has_its_moves_and_can_be_reached_from_stock() -> None:
    assert set(LEGAL_MOVES) == set(CardStatus)
    assert reachable(CardStatus.STOCK) | {CardStatus.STOCK} == set(CardStatus)


@pytest.mark.parametrize("status", [CardStatus.LOST, CardStatus.STOLEN])
def test_a_lost_or_stolen_card_never_works_again(status: CardStatus) -> None:
    assert reachable(status) == {CardStatus.DESTROYED}


def test_a_cancelled_card_works_again_only_after_clearing_and_a_new_issuance() -> None:
    assert LEGAL_MOVES[CardStatus.CANCELLED].isdisjoint(LIVE)
    assert LEGAL_MOVES[CardStatus.RECYCLED].isdisjoint(LIVE)


@pytest.mark.parametrize("status", sorted(LIVE))
def test_a_live_card_can_be_reported_lost(status: CardStatus) -> None:
    require_legal_move(card(status), CardStatus.LOST)


def test_only_a_personalised_card_is_activated_for_the_first_time() -> None:
    first = {status for status in CardStatus if CardStatus.ACTIVE in LEGAL_MOVES[status]}
    assert first - LIVE - {CardStatus.EXPIRED} == {CardStatus.PERSONALISED}


def test_an_illegal_move_is_refused_in_words() -> None:
    with pytest.raises(CardMoveNotAllowed, match="is lost and cannot become active"):
        require_legal_move(card(CardStatus.LOST), CardStatus.ACTIVE)


@pytest.mark.parametrize("status", sorted(CardStatus))
def test_only_blank_cards_are_given_away(status: CardStatus) -> None:
    if status in BLANK:
        require_blank(card(status))
    else:
        with pytest.raises(CardNotBlank):
            require_blank(card(status))
