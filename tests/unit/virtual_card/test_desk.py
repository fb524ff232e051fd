"""The desk and its cards, as far as they are files."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from virtual_card import Desk, VirtualCard, errors


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk")


def _placed(desk: Desk) -> list[str | None]:
    return [reader.card.serial if reader.card else None for reader in desk.readers()]


def test_a_new_desk_has_two_empty_readers(desk: Desk) -> None:
    assert [(reader.position, reader.name, reader.card) for reader in desk.readers()] == [
        ("left", "Reader 1", None),
        ("right", "Reader 2", None),
    ]
    assert desk.cards() == []


def test_a_blank_card_has_a_serial_and_a_number_on_its_back(desk: Desk) -> None:
    card = desk.new_blank_card()
    assert re.fullmatch(r"\d{10}", card.serial)
    assert re.fullmatch(r"\d{12}", card.back_number)
    assert card.profile == "softhsm"
    assert card.tries_left() == 3
    assert desk.cards() == [card]
    assert desk.card(card.serial) == card


def test_a_card_is_private(desk: Desk) -> None:
    card = desk.new_blank_card()
    for path in (card.folder, card.folder / "tokens", card.folder / "card.json", desk.cards_folder):
        assert path.stat().st_mode & 0o077 == 0


def test_cards_are_put_into_readers_and_taken_out(desk: Desk) -> None:
    first, second = desk.new_blank_card(), desk.new_blank_card()
    desk.insert("left", first.serial)
    desk.insert("right", second.serial)
    assert _placed(desk) == [first.serial, second.serial]
    desk.remove("left")
    assert _placed(desk) == [None, second.serial]
    assert desk.reader("right").card == second


def test_where_cards_lie_survives_a_restart(desk: Desk) -> None:
    card = desk.new_blank_card()
    desk.insert("right", card.serial)
    assert _placed(Desk(desk.folder)) == [None, card.serial]


def test_what_cannot_be_done_at_a_desk_is_refused(desk: Desk) -> None:
    first, second = desk.new_blank_card(), desk.new_blank_card()
    desk.insert("left", first.serial)
    with pytest.raises(errors.ReaderOccupied, match="take it out first"):
        desk.insert("left", second.serial)
    with pytest.raises(errors.CardInOtherReader):
        desk.insert("right", first.serial)
    with pytest.raises(errors.ReaderEmpty):
        desk.remove("right")
    with pytest.raises(errors.NoSuchCard):
        desk.insert("right", "0000000000")
    with pytest.raises(errors.NoSuchReader):
        desk.insert("middle", second.serial)
    with pytest.raises(errors.NoSuchReader):
        desk.remove("middle")
    with pytest.raises(errors.NoSuchReader):
        desk.reader("middle")
    assert _placed(desk) == [first.serial, None]


def test_a_card_goes_into_one_reader_however_many_hands_try(desk: Desk) -> None:
    card = desk.new_blank_card()

    def put(position: str) -> bool:
        try:
            desk.insert(position, card.serial)
        except (errors.ReaderOccupied, errors.CardInOtherReader):
            return False
        return True

    with ThreadPoolExecutor(8) as hands:
        assert sum(hands.map(put, ["left", "right"] * 8)) == 1
    assert _placed(desk).count(card.serial) == 1


def test_a_card_that_was_thrown_away_lies_in_no_reader(desk: Desk) -> None:
    card = desk.new_blank_card()
    desk.insert("left", card.serial)
    shutil.rmtree(card.folder)
    assert _placed(desk) == [None, None]
    desk.remove("left")


@pytest.mark.parametrize("serial", ["", "..", "../escape", "a/b", "a b", "x" * 33, "a\n", "a\0b"])
def test_a_serial_cannot_lead_out_of_the_folder(desk: Desk, serial: str) -> None:
    with pytest.raises(errors.InvalidSerial):
        VirtualCard.create(desk.cards_folder, serial)
    with pytest.raises(errors.InvalidSerial):
        desk.insert("left", serial)


def test_a_serial_is_used_once(desk: Desk) -> None:
    VirtualCard.create(desk.cards_folder, "4711")
    with pytest.raises(errors.CardAlreadyExists):
        VirtualCard.create(desk.cards_folder, "4711")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"serial": "other"}'])
def test_a_damaged_card_is_refused(desk: Desk, content: str) -> None:
    card = desk.new_blank_card()
    (card.folder / "card.json").write_text(content)
    with pytest.raises(errors.CardDamaged):
        desk.card(card.serial)


def test_a_half_made_card_is_no_card(desk: Desk) -> None:
    """The program was killed while it made the card."""
    (desk.cards_folder / "4711").mkdir()
    assert desk.cards() == []
    with pytest.raises(errors.NoSuchCard):
        desk.card("4711")


def test_a_box_is_filled_once_and_cards_are_taken_from_it_first(desk: Desk) -> None:
    box = desk.fill_box(2, profile="softhsm")
    assert [card.serial for card in desk.fill_box(2, profile="softhsm")] == [card.serial for card in box]
    assert desk.cards() == []
    taken = [desk.take_blank_card(profile="softhsm").serial for _ in range(3)]
    assert taken[:2] == [card.serial for card in box]
    assert taken[2] not in taken[:2]
    assert desk.box() == []
    assert {card.serial for card in desk.cards()} == set(taken)


def test_a_card_of_another_kind_stays_in_the_box(desk: Desk) -> None:
    (card,) = desk.fill_box(1, profile="another")
    assert desk.take_blank_card(profile="softhsm").serial != card.serial
    assert [each.serial for each in desk.box()] == [card.serial]
