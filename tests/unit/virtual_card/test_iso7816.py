"""Commands, chaining, long answers, memory and faults of every card in software."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.applets import Speaker
from virtual_card.errors import CardDamaged
from virtual_card.iso7816 import Card, Command, Faults, Memory, OrderedFaults, Refused, StatusWord
from virtual_card.iso7816.faults import CardPulled
from virtual_card.iso7816.tlv import decoded, encoded


class Echo:
    """Answers with what it is told; INS 01 asks for 600 octets, INS 02 fails."""

    atr = b"\x3b\x00"

    def __init__(self) -> None:
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def process(self, command: Command) -> bytes:
        if command.ins == 0x02:
            raise ZeroDivisionError
        return bytes(range(200)) * 3 if command.ins == 0x01 else command.data


@pytest.fixture
def faults_file(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


@pytest.fixture
def card(faults_file: Path) -> Speaker:
    return Speaker(Card(Echo(), OrderedFaults(faults_file)))


@pytest.mark.parametrize(
    ("apdu", "data", "answer_length"),
    [
        ("00a40400", "", None),
        ("00a4040000", "", 256),
        ("00a4040010", "", 16),
        ("00a4040002aabb", "aabb", None),
        ("00a4040002aabb00", "aabb", 256),
        ("00a40400000000", "", 65536),
        ("00a40400000002aabb", "aabb", None),
        ("00a40400000002aabb0100", "aabb", 256),
    ],
)
def test_every_form_of_command_is_read_and_written(apdu: str, data: str, answer_length: int | None) -> None:
    command = Command.from_untrusted(bytes.fromhex(apdu))
    assert (command.data.hex(), command.answer_length) == (data, answer_length)
    assert Command.from_untrusted(command.to_bytes()) == command


@pytest.mark.parametrize("apdu", ["", "00a404", "00a4040003aabb", "00a4040001aabbcc", "00a40400000005aabb"])
def test_a_command_whose_lengths_disagree_is_refused(card: Speaker, apdu: str) -> None:
    assert card.raw(bytes.fromhex(apdu)) == (b"", "6700")


def test_chained_commands_are_one(card: Speaker) -> None:
    assert card.raw(bytes.fromhex("1000000002aabb")) == (b"", "9000")
    assert card.raw(bytes.fromhex("0000000001cc00")) == (bytes.fromhex("aabbcc"), "9000")


def test_a_long_answer_is_fetched_in_parts(card: Speaker) -> None:
    assert card.ask(0x01) == (bytes(range(200)) * 3, "9000")
    assert card.card.transmit(bytes.fromhex("0001000000"))[-2:] == b"\x61\x00"
    card.card.reset()
    assert card.card.transmit(bytes.fromhex("00c0000000")) == b"\x90\x00"


def test_a_card_answers_even_when_its_applet_fails(card: Speaker) -> None:
    assert card.status(0x02) == "6f00"
    assert card.ask(0x00, data=b"still here") == (b"still here", "9000")


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 3000])
def test_data_objects_of_every_length(length: int) -> None:
    value = bytes(length)
    assert decoded(encoded(0x7F49, value) + b"\x00\xff" + encoded(0x81, b"x")) == [
        (0x7F49, value),
        (0x81, b"x"),
    ]


@pytest.mark.parametrize("octets", ["81", "8105aa", "7f", "7f49", "818201", "8182ff"])
def test_data_objects_that_are_cut_short_are_refused(octets: str) -> None:
    with pytest.raises(Refused) as refusal:
        decoded(bytes.fromhex(octets))
    assert refusal.value.status == StatusWord.WRONG_DATA


def test_faults_come_at_their_command_and_once(card: Speaker, faults_file: Path) -> None:
    OrderedFaults.order(faults_file, Faults(wrong_status_at=2, wrong_status=0x6985))
    assert [card.status(0x00) for _ in range(3)] == ["9000", "6985", "9000"]
    OrderedFaults.order(faults_file, Faults(pulled_at=1))
    with pytest.raises(CardPulled):
        card.status(0x00)
    assert card.status(0x00) == "9000"


@dataclass(frozen=True)
class Kept:
    number: int
    text: str = "hex"
    octets: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)


def test_memory_survives_whole(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    Memory.lay_out(path, Kept(1))
    memory = Memory(path, Kept)
    memory.change(number=2, octets=b"\x00\xff", files={"2f02": b"abc"})
    assert Memory(path, Kept).state == Kept(2, octets=b"\x00\xff", files={"2f02": b"abc"})
    assert path.stat().st_mode & 0o077 == 0


def test_a_full_memory_takes_nothing_more_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    Memory.lay_out(path, Kept(1))
    full = True
    memory = Memory(path, Kept, lambda: full)
    with pytest.raises(Refused) as refusal:
        memory.change(octets=b"much")
    assert refusal.value.status == StatusWord.NOT_ENOUGH_MEMORY
    assert memory.state == Memory(path, Kept).state == Kept(1)
    memory.change(number=3)
    full = False
    memory.change(octets=b"much")
    assert Memory(path, Kept).state == dataclasses.replace(Kept(3), octets=b"much")


@pytest.mark.parametrize("content", ["", "[]", '{"colour": "red"}', '{"number": 1, "octets": "hex:zz"}'])
def test_a_memory_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "memory.json"
    path.write_text(content)
    with pytest.raises(CardDamaged, match=r"memory\.json"):
        Memory(path, Kept)
