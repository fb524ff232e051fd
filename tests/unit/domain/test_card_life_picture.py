"""What is written and drawn of a card's life is what the table says."""

from __future__ import annotations

import re

from app.card_life_picture import PICTURE, picture
from app.domain.card_move import MOVES, Place
from app.domain.card_status import CardStatus


def test_the_picture_is_the_one_of_the_table() -> None:
    assert PICTURE.read_text() == picture(), "run: python -m app.card_life_picture"


def test_the_picture_shows_every_state_and_verb() -> None:
    shown = set(re.findall(r">([a-z-]+)</text>", picture()))
    assert {status.value for status in CardStatus} | {move.verb for move in MOVES} <= shown


def test_the_document_names_every_verb_and_reason() -> None:
    text = PICTURE.with_suffix(".md").read_text()
    for move in MOVES:
        assert f"`{move.verb}`" in text
        if move.place is Place.PAGE:
            assert all(reason in text for reason in move.reasons), move.verb
