"""The SmartCard-HSM in software, APDU by APDU."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.support.applets import Speaker
from virtual_card.cv_certificate import ECDSA_SHA_256, p256_domain
from virtual_card.iso7816 import Card, OrderedFaults
from virtual_card.iso7816.tlv import encoded, fields
from virtual_card.maker import Maker
from virtual_card.smartcard_hsm import SmartCardHsm, manufacture

SELECT, VERIFY, CHANGE, RESET, READ, WRITE, DELETE = 0xA4, 0x20, 0x24, 0x2C, 0xB1, 0xD7, 0xE4
INITIALISE, GENERATE, SIGN, LIST = 0x50, 0x46, 0x68, 0x58
AID = bytes.fromhex("e82b0601040181c31f0201")
PIN, SO_PIN, WRONG = b"591740", b"\x01\x23\x45\x67\x89\xab\xcd\xef", b"000000"
USER, SO = 0x0081, 0x0088


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    manufacture(tmp_path / "memory.json", "VC000000001", Maker(tmp_path / "maker"))
    return tmp_path / "memory.json"


@pytest.fixture
def blank(memory: Path) -> Speaker:
    return _inserted(memory)


@pytest.fixture
def card(blank: Speaker) -> Speaker:
    assert blank.status(INITIALISE, data=_settings(SO_PIN)) == "9000"
    return blank


def _inserted(memory: Path) -> Speaker:
    """The card in a reader: a new process would find the same file."""
    speaker = Speaker(
        Card(
            SmartCardHsm(memory, OrderedFaults(memory.with_name("faults.json"))),
            OrderedFaults(memory.with_name("faults.json")),
        )
    )
    speaker.card.reset()
    return speaker


def _settings(so_pin: bytes) -> bytes:
    return encoded(0x80, b"\0\1") + encoded(0x81, PIN) + encoded(0x82, so_pin) + encoded(0x91, b"\3")


def _generate(card: Speaker, key: int) -> tuple[bytes, str]:
    public = encoded(0x7F49, encoded(0x06, ECDSA_SHA_256) + p256_domain())
    return card.ask(
        GENERATE, key << 8, encoded(0x42, b"UTCA00001") + public + encoded(0x5F20, b"UTNONE00001")
    )


def test_only_its_application_is_selected(blank: Speaker) -> None:
    assert blank.status(SELECT, 0x0400, AID) == "9000"
    assert blank.status(SELECT, 0x0400, b"another") == "6a82"
    assert blank.status(SELECT, 0x0000, b"\x2f\x02") == "9000"
    assert blank.status(SELECT, 0x0000, b"\x3f\x05") == "6a82"
    assert blank.status(0x99) == "6d00"


def test_a_blank_card_has_no_pin(blank: Speaker) -> None:
    assert blank.status(VERIFY, USER, PIN) == "6a88"
    assert _generate(blank, 1)[1] == "6982"


def test_wrong_pins_lock_and_the_so_pin_unblocks(card: Speaker) -> None:
    assert [card.status(VERIFY, USER, WRONG) for _ in range(4)] == ["63c2", "63c1", "6983", "6983"]
    assert card.status(VERIFY, USER, PIN) == "6983"
    assert card.status(RESET, USER, WRONG + b"xx" + PIN) == "63ce"
    assert card.status(RESET, USER, SO_PIN + b"27182818") == "9000"
    assert card.status(VERIFY, USER) == "63c3"
    assert card.status(VERIFY, USER, b"27182818") == "9000"
    assert card.status(VERIFY, USER) == "9000"


def test_tries_are_counted_whatever_becomes_of_the_card(card: Speaker, memory: Path) -> None:
    assert card.status(VERIFY, USER, WRONG) == "63c2"
    again = _inserted(memory)
    assert again.status(VERIFY, USER, WRONG) == "63c1"
    assert again.status(VERIFY, USER, PIN) == "9000"
    assert _inserted(memory).status(VERIFY, USER) == "63c3"


def test_fifteen_wrong_so_pins_end_the_card(card: Speaker) -> None:
    told = [card.status(RESET, USER, b"\xff" * 8 + PIN) for _ in range(15)]
    assert told[0] == "63ce"
    assert told[-2:] == ["63c1", "6983"]
    assert card.status(RESET, USER, SO_PIN + PIN) == "6983"
    assert card.status(VERIFY, SO) == "6983"


def test_pins_are_changed(card: Speaker) -> None:
    assert card.status(CHANGE, USER, PIN + b"161803") == "9000"
    assert card.status(VERIFY, USER, b"161803") == "9000"
    assert card.status(CHANGE, SO, SO_PIN + bytes(8)) == "9000"
    assert card.status(RESET, USER, bytes(8) + PIN) == "9000"


def test_a_key_is_made_and_signs(card: Speaker) -> None:
    assert card.status(VERIFY, USER, PIN) == "9000"
    told, status = _generate(card, 7)
    assert status == "9000"
    body = fields(fields(fields(fields(told)[0x67])[0x7F21])[0x7F4E])
    point = fields(body[0x7F49])[0x86]
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    digest = bytes(range(32))
    signature, status = card.ask(SIGN, 0x0770, digest)
    assert status == "9000"
    key.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    assert card.status(SIGN, 0x0870, digest) == "6a88"
    assert card.status(SIGN, 0x0770, b"no digest") == "6a80"
    assert b"\xcc\x07" in card.ask(LIST)[0]


def test_nobody_is_logged_in_after_a_reset_or_a_selection(card: Speaker) -> None:
    for forget in (card.card.reset, lambda: card.status(SELECT, 0x0400, AID)):
        assert card.status(VERIFY, USER, PIN) == "9000"
        _generate(card, 1)
        forget()
        assert card.status(SIGN, 0x0170, bytes(32)) == "6982"


def test_files_are_written_and_read_in_parts(card: Speaker, memory: Path) -> None:
    content = bytes(range(256)) * 4
    assert card.status(WRITE, 0xCA01, encoded(0x54, b"\0\0") + encoded(0x53, b"")) == "6982"
    assert card.status(VERIFY, USER, PIN) == "9000"
    for offset in range(0, 1024, 200):
        part = encoded(0x54, offset.to_bytes(2, "big")) + encoded(0x53, content[offset : offset + 200])
        assert card.status(WRITE, 0xCA01, part) == "9000"
    again = _inserted(memory)
    read = b"".join(
        again.ask(READ, 0xCA01, encoded(0x54, offset.to_bytes(2, "big")))[0] for offset in range(0, 1024, 256)
    )
    assert read == content
    assert again.status(READ, 0xCA01, encoded(0x54, b"\x04\x00")) == "6282"
    assert again.status(DELETE, 0x0200, b"\xca\x01") == "6982"
    assert card.status(DELETE, 0x0200, b"\xca\x01") == "9000"
    assert card.status(DELETE, 0x0200, b"\xca\x01") == "6a82"


def test_the_devices_certificates_and_keys_cannot_be_overwritten(card: Speaker) -> None:
    card.status(VERIFY, USER, PIN)
    _generate(card, 1)
    for identifier in (0x2F02, 0xCC01):
        assert card.status(WRITE, identifier, encoded(0x54, b"\0\0") + encoded(0x53, b"mine")) == "6982"
    assert card.status(DELETE, 0x0200, b"\x2f\x02") == "6982"


def test_erasing_asks_for_the_so_pin_and_takes_everything_but_the_device(card: Speaker) -> None:
    card.status(VERIFY, USER, PIN)
    _generate(card, 1)
    device = card.ask(READ, 0x2F02, encoded(0x54, b"\0\0"), 4096)
    assert card.status(INITIALISE, data=_settings(bytes(8))) == "63ce"
    assert card.status(INITIALISE, data=_settings(SO_PIN)) == "9000"
    assert card.ask(LIST)[0] == b"\xcc\x00"
    assert card.ask(READ, 0x2F02, encoded(0x54, b"\0\0"), 4096) == device
    assert card.status(SIGN, 0x0170, bytes(32)) == "6982"


@pytest.mark.parametrize(
    ("ins", "data"),
    [(INITIALISE, b""), (INITIALISE, b"\x81"), (GENERATE, b""), (READ, b""), (WRITE, b"\x54"), (SIGN, b"")],
)
def test_nonsense_is_refused_and_changes_nothing(card: Speaker, memory: Path, ins: int, data: bytes) -> None:
    card.status(VERIFY, USER, PIN)
    before = memory.read_bytes()
    assert card.status(ins, 0xCA01 if ins in {READ, WRITE} else 0, data) in {"6a80", "6a82", "6a88", "6282"}
    assert memory.read_bytes() == before
