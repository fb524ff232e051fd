"""Cards put into and taken out of real PC/SC readers, and their faults, seen through PC/SC itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import pcsc
from virtual_card import VirtualCard, errors
from virtual_card.pcsc import Faults, PcscDesk, PcscService
from virtual_card.pcsc.layout import pcsc_reader_name

ATR = bytes.fromhex("3bfe1800008131fe458031815448534d31738021408107fa")
SELECT = bytes.fromhex("00a404000be82b0601040181c31f0201")
LEFT, RIGHT = pcsc_reader_name("left"), pcsc_reader_name("right")


@pytest.fixture
def card(pcsc_desk: PcscDesk) -> Iterator[VirtualCard]:
    card = pcsc_desk.new_blank_card()
    pcsc_desk.insert("left", card.serial)
    yield card
    _clear(pcsc_desk)


def _clear(desk: PcscDesk) -> None:
    for reader in desk.readers():
        if reader.card is not None:
            desk.remove(reader.position)


def _shown() -> dict[str, bytes]:
    with pcsc.Context() as context:
        return {reader.name: reader.atr for reader in context.readers()}


def _wait_until_left_is_empty(desk: PcscDesk) -> None:
    deadline = time.monotonic() + 5
    while (_shown()[LEFT] or desk.reader("left").card) and time.monotonic() < deadline:
        time.sleep(0.02)


def _select() -> bytes:
    with pcsc.Context() as context, context.connect(LEFT) as connection:
        return connection.transmit(SELECT)


def test_both_readers_show_the_cards_that_lie_in_them(pcsc_desk: PcscDesk) -> None:
    first, second = pcsc_desk.new_blank_card(), pcsc_desk.new_blank_card()
    assert _shown() == {LEFT: b"", RIGHT: b""}
    pcsc_desk.insert("right", second.serial)
    assert _shown() == {LEFT: b"", RIGHT: ATR}
    pcsc_desk.insert("left", first.serial)
    assert _shown() == {LEFT: ATR, RIGHT: ATR}
    pcsc_desk.remove("right")
    assert _shown() == {LEFT: ATR, RIGHT: b""}
    pcsc_desk.remove("left")
    assert _shown() == {LEFT: b"", RIGHT: b""}


def test_a_card_answers_commands(card: VirtualCard) -> None:
    assert _select()[-2:] == b"\x90\x00"


def test_an_empty_reader_says_so(pcsc_desk: PcscDesk) -> None:
    with pcsc.Context() as context, pytest.raises(pcsc.errors.NoCard), context.connect(RIGHT):
        pass


def test_a_reader_that_is_not_there_says_so() -> None:
    with pcsc.Context() as context, pytest.raises(pcsc.errors.NoReader), context.connect("No such reader"):
        pass


def test_a_card_is_pulled_at_the_ordered_command(pcsc_desk: PcscDesk, card: VirtualCard) -> None:
    pcsc_desk.order_faults(card.serial, Faults(pulled_at=2))
    assert _select()[-2:] == b"\x90\x00"
    with pytest.raises(pcsc.errors.NoCard):
        _select()
    _wait_until_left_is_empty(pcsc_desk)
    assert _shown()[LEFT] == b""
    assert pcsc_desk.reader("left").card is None
    pcsc_desk.insert("left", card.serial)
    assert _select()[-2:] == b"\x90\x00"


def test_a_card_is_slow(pcsc_desk: PcscDesk, card: VirtualCard) -> None:
    pcsc_desk.order_faults(card.serial, Faults(milliseconds_each=150))
    began = time.monotonic()
    assert _select()[-2:] == b"\x90\x00"
    assert time.monotonic() - began >= 0.15
    pcsc_desk.order_faults(card.serial, Faults())


def test_a_card_answers_one_command_with_a_wrong_status(pcsc_desk: PcscDesk, card: VirtualCard) -> None:
    pcsc_desk.order_faults(card.serial, Faults(wrong_status_at=2, wrong_status=0x6A80))
    assert [_select()[-2:].hex() for _ in range(3)] == ["9000", "6a80", "9000"]


def test_nothing_is_inserted_while_the_readers_do_not_run(tmp_path: Path) -> None:
    desk = PcscDesk(tmp_path / "desk")
    card = desk.new_blank_card()
    with pytest.raises(errors.ReadersNotRunning, match="python -m virtual_card"):
        desk.insert("left", card.serial)
    assert desk.reader("left").card is None


def test_a_desk_has_its_readers_once(pcsc_desk: PcscDesk) -> None:
    with pytest.raises(errors.ReadersNotRunning, match="run already"):
        PcscService(pcsc_desk.folder)


def test_there_is_no_card_of_an_unknown_kind(pcsc_desk: PcscDesk) -> None:
    with pytest.raises(errors.NoSuchKind, match="smartcard-hsm"):
        pcsc_desk.new_blank_card(profile="loyalty-card")
