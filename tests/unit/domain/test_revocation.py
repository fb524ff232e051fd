"""Who may give which reason: the moves of people and the certificate authority's table agree."""

from __future__ import annotations

import pytest

from app.domain.card_move import MOVES, CardMove, CertificateEffect, Place
from app.domain.revocation import REASONS_OF, Giver, RevocationReason, reason_of_card_end

_ON_PAGES = [move for move in MOVES if move.place is Place.PAGE]
_ENDS = [move for move in _ON_PAGES if move.certificates is CertificateEffect.REVOKED]


def _reasons(move: CardMove) -> set[RevocationReason]:
    """What the certificates of a card are revoked for when it ends by this move."""
    words = move.reasons if move.verb == "cancel" else [move.to.value]
    return {reason_of_card_end(word) for word in words}


@pytest.mark.parametrize("move", _ENDS, ids=lambda move: move.verb)
def test_each_end_of_a_card_gives_a_reason_that_its_giver_may_give(move: CardMove) -> None:
    giver = Giver.HOLDER if move.holder_may else Giver.REGISTRATION_AUTHORITY
    assert _reasons(move) <= REASONS_OF[giver]
    assert RevocationReason.UNSPECIFIED not in _reasons(move)


def test_a_holder_says_nothing_of_rights_or_of_an_authoritys_key() -> None:
    assert {move.verb for move in _ENDS if move.holder_may} == {
        "report-lost",
        "report-stolen",
        "report-damaged",
        "report-faulty",
    }
    assert REASONS_OF[Giver.HOLDER] < REASONS_OF[Giver.REGISTRATION_AUTHORITY] < REASONS_OF[Giver.CA_OPERATOR]
    assert RevocationReason.PRIVILEGE_WITHDRAWN not in REASONS_OF[Giver.HOLDER]
