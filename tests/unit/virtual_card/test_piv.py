"""The PIV card in software, APDU by APDU."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.support.applets import Speaker
from tests.support.card_proofs import manage
from virtual_card.iso7816 import Card, OrderedFaults
from virtual_card.iso7816.tlv import encoded, fields
from virtual_card.maker import Maker
from virtual_card.piv import Piv, manufacture

SELECT, VERIFY, CHANGE, UNBLOCK, GET, PUT = 0xA4, 0x20, 0x24, 0x2C, 0xCB, 0xDB
GENERATE, AUTHENTICATE, ATTEST, METADATA, RESET, SET_KEY = 0x47, 0x87, 0xF9, 0xF7, 0xFB, 0xFF
AID = bytes.fromhex("a000000308")
PIN, NEW_PIN, WRONG, PUK = b"123456\xff\xff", b"59174028", b"000000\xff\xff", b"12345678"
HOLDER, PUK_REFERENCE = 0x0080, 0x0081
P256 = encoded(0xAC, encoded(0x80, b"\x11"))


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    manufacture(tmp_path / "memory.json", "12345678", Maker(tmp_path / "maker"))
    return tmp_path / "memory.json"


@pytest.fixture
def applet(memory: Path) -> Piv:
    return Piv(memory, OrderedFaults(memory.with_name("faults.json")))


@pytest.fixture
def card(applet: Piv, memory: Path) -> Speaker:
    speaker = Speaker(Card(applet, OrderedFaults(memory.with_name("faults.json"))))
    assert speaker.status(SELECT, 0x0400, AID) == "9000"
    return speaker


def _sign(card: Speaker, slot: int) -> tuple[bytes, str]:
    asked = encoded(0x7C, encoded(0x82, b"") + encoded(0x81, bytes(range(32))))
    return card.ask(AUTHENTICATE, 0x1100 | slot, asked)


def test_nothing_is_done_before_the_application_is_selected(card: Speaker) -> None:
    card.card.reset()
    assert card.status(VERIFY, HOLDER, PIN) == "6d00"
    assert card.status(SELECT, 0x0400, b"another") == "6a82"


def test_wrong_pins_lock_and_the_puk_unblocks(card: Speaker) -> None:
    assert [card.status(VERIFY, HOLDER, WRONG) for _ in range(4)] == ["63c2", "63c1", "6983", "6983"]
    assert card.status(VERIFY, HOLDER, PIN) == "6983"
    assert card.status(UNBLOCK, HOLDER, b"87654321" + NEW_PIN) == "63c2"
    assert card.status(UNBLOCK, HOLDER, PUK + NEW_PIN) == "9000"
    assert card.status(VERIFY, HOLDER, NEW_PIN) == "9000"


def test_pin_and_puk_are_changed(card: Speaker) -> None:
    assert card.status(CHANGE, HOLDER, PIN + NEW_PIN) == "9000"
    assert card.status(CHANGE, PUK_REFERENCE, PUK + b"87654321") == "9000"
    assert card.status(CHANGE, PUK_REFERENCE, PUK + b"87654321") == "63c2"
    assert card.status(CHANGE, HOLDER, b"short") == "6a80"


def test_the_management_key_makes_keys(card: Speaker, applet: Piv) -> None:
    assert card.status(GENERATE, 0x009A, P256) == "6982"
    manage(applet)
    public, status = card.ask(GENERATE, 0x009A, P256)
    assert status == "9000"
    assert _sign(card, 0x9A)[1] == "6982"
    card.status(VERIFY, HOLDER, PIN)
    for _ in range(2):
        answer, status = _sign(card, 0x9A)
        assert status == "9000"
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), fields(fields(public)[0x7F49])[0x86])
    signature = fields(fields(answer)[0x7C])[0x82]
    key.verify(signature, bytes(range(32)), ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def test_a_wrong_answer_to_the_challenge_makes_no_manager(card: Speaker) -> None:
    card.ask(AUTHENTICATE, 0x039B, encoded(0x7C, encoded(0x81, b"")))
    assert card.status(AUTHENTICATE, 0x039B, encoded(0x7C, encoded(0x82, bytes(8)))) == "6982"
    assert card.status(GENERATE, 0x009A, P256) == "6982"
    assert card.status(AUTHENTICATE, 0x039B, encoded(0x7C, encoded(0x82, bytes(8)))) == "6982"


def test_the_signature_key_asks_for_the_pin_each_time(card: Speaker, applet: Piv) -> None:
    manage(applet)
    card.status(GENERATE, 0x009C, P256)
    card.status(VERIFY, HOLDER, PIN)
    assert _sign(card, 0x9C)[1] == "9000"
    assert _sign(card, 0x9C)[1] == "6982"
    card.status(VERIFY, HOLDER, PIN)
    card.status(GET, 0x3FFF, encoded(0x5C, b"\x7e"))
    assert _sign(card, 0x9C)[1] == "6982"


def test_objects_are_kept_and_those_behind_the_pin_are_behind_it(card: Speaker, applet: Piv) -> None:
    certificate, printed = bytes.fromhex("5fc105"), bytes.fromhex("5fc109")
    long = bytes(range(256)) * 6
    assert card.status(PUT, 0x3FFF, encoded(0x5C, certificate) + encoded(0x53, long)) == "6982"
    manage(applet)
    for tag in (certificate, printed):
        assert card.status(PUT, 0x3FFF, encoded(0x5C, tag) + encoded(0x53, long)) == "9000"
    assert card.ask(GET, 0x3FFF, encoded(0x5C, certificate)) == (encoded(0x53, long), "9000")
    assert card.status(GET, 0x3FFF, encoded(0x5C, printed)) == "6982"
    card.status(VERIFY, HOLDER, PIN)
    assert card.status(GET, 0x3FFF, encoded(0x5C, printed)) == "9000"
    assert card.status(PUT, 0x3FFF, encoded(0x5C, certificate) + encoded(0x53, b"")) == "9000"
    assert card.status(GET, 0x3FFF, encoded(0x5C, certificate)) == "6a82"
    assert card.status(PUT, 0x3FFF, encoded(0x5C, b"\x5f\xff\x01") + encoded(0x53, b"x")) == "6a80"


def test_a_key_is_attested_by_the_cards_own(card: Speaker, applet: Piv) -> None:
    assert card.status(ATTEST, 0x9A00) == "6a88"
    manage(applet)
    card.status(GENERATE, 0x009A, P256)
    attested = x509.load_der_x509_certificate(card.ask(ATTEST, 0x9A00)[0])
    told = fields(card.ask(GET, 0x3FFF, encoded(0x5C, b"\x5f\xff\x01"))[0])[0x53]
    attested.verify_directly_issued_by(x509.load_der_x509_certificate(fields(told)[0x70]))


def test_a_reset_needs_both_locked_and_leaves_the_attestation_key(card: Speaker, applet: Piv) -> None:
    manage(applet)
    card.status(GENERATE, 0x009A, P256)
    own = card.ask(GET, 0x3FFF, encoded(0x5C, b"\x5f\xff\x01"))
    assert card.status(RESET) == "6985"
    for _ in range(3):
        card.status(VERIFY, HOLDER, WRONG)
    assert card.status(RESET) == "6985"
    for _ in range(3):
        card.status(UNBLOCK, HOLDER, WRONG + NEW_PIN)
    assert card.status(RESET) == "9000"
    assert card.status(VERIFY, HOLDER, PIN) == "9000"
    assert _sign(card, 0x9A)[1] == "6a88"
    assert card.ask(GET, 0x3FFF, encoded(0x5C, b"\x5f\xff\x01")) == own


def test_metadata_tell_tries_defaults_and_algorithms(card: Speaker, applet: Piv) -> None:
    card.status(VERIFY, HOLDER, WRONG)
    assert fields(card.ask(METADATA, 0x0080)[0]) == {5: b"\x01", 6: b"\x03\x02"}
    assert fields(card.ask(METADATA, 0x0081)[0]) == {5: b"\x01", 6: b"\x03\x03"}
    assert fields(card.ask(METADATA, 0x009B)[0])[5] == b"\x01"
    manage(applet)
    card.status(GENERATE, 0x009A, P256)
    assert fields(card.ask(METADATA, 0x009A)[0])[1] == b"\x11"
    assert card.status(SET_KEY, 0xFFFF, b"\x03\x9b\x18" + bytes(range(24))) == "9000"
    assert fields(card.ask(METADATA, 0x009B)[0])[5] == b"\x00"
    assert card.status(METADATA, 0x0082) == "6a88"


@pytest.mark.parametrize(("slot", "policies"), [(0x9A, "0201"), (0x9C, "0301"), (0x9E, "0101")])
def test_a_key_tells_when_the_pin_is_asked_for(card: Speaker, applet: Piv, slot: int, policies: str) -> None:
    manage(applet)
    card.status(GENERATE, slot, P256)
    assert fields(card.ask(METADATA, slot)[0])[2].hex() == policies
    attested = x509.load_der_x509_certificate(card.ask(ATTEST, slot << 8)[0])
    told = attested.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.4.1.41482.3.8")).value
    assert isinstance(told, x509.UnrecognizedExtension)
    assert told.value.hex() == policies


def test_everything_survives_a_killed_process(card: Speaker, applet: Piv, memory: Path) -> None:
    manage(applet)
    card.status(GENERATE, 0x009A, P256)
    card.status(CHANGE, HOLDER, PIN + NEW_PIN)
    card.status(VERIFY, HOLDER, WRONG)
    again = Speaker(Card(Piv(memory, OrderedFaults(memory)), OrderedFaults(memory.with_name("none"))))
    again.status(SELECT, 0x0400, AID)
    assert again.status(VERIFY, HOLDER) == "63c2"
    assert again.status(VERIFY, HOLDER, NEW_PIN) == "9000"
    assert _sign(again, 0x9A)[1] == "9000"
