"""One contract for every kind of card: SoftHSM cards in a folder, and emulated cards behind pcscd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from card_agent import card_operations, key_set_operations
from card_agent.card_process import CardProcesses
from card_agent.desks import desk_of
from card_agent.errors import (
    CardFault,
    CardRemoved,
    KeysNotOnCard,
    LastTry,
    PinIncorrect,
    PinLocked,
    Refusal,
)
from card_agent.pin import Pin
from card_agent.ports import Desk, Purpose
from card_agent.settings import AgentSettings
from tests.support.cards_of_service import destroy_certificates
from tests.support.desk_job_site import MemoryAuthority, verify_raw
from tests.support.making_cards import NONCE, finish, prepare

SO_PIN, PIN, OTHER_PIN, WRONG = "0123456789abcdef", "59174028", "80461735", "26849370"


class Bench:
    """A desk of one kind, and what its cards are asked."""

    def __init__(self, settings: AgentSettings) -> None:
        self.desk: Desk
        self.processes: CardProcesses
        self.desk, self.processes = desk_of(settings)
        self.authority = MemoryAuthority()
        self.requests: Mapping[Purpose, bytes] = {}

    def blank(self, reader: str = "right") -> str:
        """A new card in the reader, whatever lay there."""
        if self.card_in(reader):
            self.desk.remove(reader)
        return self.desk.take_blank(reader)

    def card_in(self, reader: str) -> str | None:
        return next(state.card_serial for state in self.desk.readers() if state.reader == reader)

    def initialise(self, serial: str, *earlier: str, so_pin: str = SO_PIN, pin: str = PIN) -> None:
        self.requests = prepare(self.processes, serial, so_pin, pin, "555036632106", *earlier)

    def certify(self, serial: str, pin: str = PIN) -> dict[Purpose, bytes]:
        """Certify the keys of the card that was initialised last, and write the certificates."""
        certificates = self.certificates_for(self.requests)
        read_back, proof = finish(self.processes, serial, pin, certificates)
        assert read_back.certificates == certificates
        verify_raw(certificates[Purpose.AUTHENTICATION], proof, NONCE)
        return certificates

    def certificates_for(self, requests: Mapping[Purpose, bytes]) -> dict[Purpose, bytes]:
        """Certify these CSRs: all certificates begin at the same second."""
        certificates = {}
        for purpose, der in requests.items():
            csr = x509.load_der_x509_csr(der)
            assert csr.is_signature_valid
            key = csr.public_key()
            assert isinstance(key, ec.EllipticCurvePublicKey)
            certificates[purpose] = self.authority.card_certificate("555036632106_Amara_Holder", key)
        return certificates

    def working(self) -> str:
        """A card that works, in the right reader."""
        serial = self.blank()
        self.initialise(serial)
        self.certify(serial)
        return serial

    def sign(self, serial: str, pin: str = PIN) -> bytes:
        return self.processes.run(
            serial, card_operations.sign, [Pin(pin)], Purpose.CONTENT_COMMITMENT, b"said"
        )

    def put_in_use(self, serial: str, certificates: Mapping[Purpose, bytes]) -> key_set_operations.FirstUse:
        steps = self.processes.steps(serial, key_set_operations.put_in_use, [Pin(PIN)], certificates, NONCE)
        with closing(steps) as answers:
            *_, used = answers
        assert isinstance(used, key_set_operations.FirstUse)
        return used

    def tries_left(self, serial: str) -> int:
        return self.processes.run(serial, card_operations.contents).tries_left


@pytest.fixture(scope="module", params=["softhsm", "smartcard-hsm"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if request.param == "softhsm":
        folder: Path = tmp_path_factory.mktemp("folder") / "desk"
    else:
        folder = request.getfixturevalue("pcsc_desk").folder
    return Bench(AgentSettings(0, folder, (), (request.param,)))


@pytest.fixture(scope="module")
def card(bench: Bench) -> str:
    """One working card for the tests that leave it as it was."""
    return bench.working()


def test_a_blank_card_shows_nothing_and_all_its_tries(bench: Bench) -> None:
    serial = bench.blank("left")
    contents = bench.processes.run(serial, card_operations.contents)
    assert contents.certificates == {}
    assert contents.tries_left == 3
    assert bench.card_in("left") == serial
    bench.desk.remove("left")
    assert bench.card_in("left") is None
    assert serial in bench.desk.drawer()


def test_it_signs_and_shows_its_certificates_without_a_pin(bench: Bench, card: str) -> None:
    certificates = bench.processes.run(card, card_operations.contents).certificates
    assert set(certificates) == set(Purpose)
    verify_raw(certificates[Purpose.CONTENT_COMMITMENT], bench.sign(card), b"said")


def test_wrong_pins_are_counted_and_the_right_one_gives_the_tries_back(bench: Bench, card: str) -> None:
    before = bench.desk.fingerprint(card)
    with pytest.raises(PinIncorrect) as refused:
        bench.sign(card, WRONG)
    assert refused.value.tries_left == 2
    assert bench.tries_left(card) == 2
    assert bench.desk.fingerprint(card) != before
    bench.sign(card)
    assert bench.tries_left(card) == 3


def test_a_locked_card_takes_a_new_pin_of_the_so(bench: Bench, card: str) -> None:
    for left in (2, 1):
        with pytest.raises(PinIncorrect):
            bench.sign(card, WRONG)
        assert bench.tries_left(card) == left
    with pytest.raises(PinLocked):
        bench.processes.run(card, card_operations.check_pin, [Pin(WRONG)])
    with pytest.raises(PinLocked):
        bench.sign(card)
    wrong_so_pin, so_pin = Pin("fedcba9876543210"), Pin(SO_PIN)
    with pytest.raises(CardFault, match="did not take what the registration authority keeps"):
        bench.processes.run(card, card_operations.unblock, [Pin(OTHER_PIN), wrong_so_pin])
    bench.processes.run(card, card_operations.unblock, [Pin(PIN), wrong_so_pin, so_pin])
    assert bench.tries_left(card) == 3
    bench.sign(card)


def test_a_pin_that_no_card_of_the_kind_has_uses_no_try(bench: Bench, card: str) -> None:
    with pytest.raises(Refusal, match="No try was used"):
        bench.sign(card, "12")
    assert bench.tries_left(card) == 3


def test_certificates_of_other_keys_are_not_written(bench: Bench, card: str) -> None:
    other = bench.authority.card_certificate("x", ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(KeysNotOnCard):
        finish(bench.processes, card, PIN, dict.fromkeys(Purpose, other))
    bench.processes.run(
        card,
        card_operations.require_keys_of,
        [Pin(PIN)],
        bench.processes.run(card, card_operations.contents).certificates,
    )


def test_a_card_in_the_drawer_is_known_but_does_not_work(bench: Bench, card: str) -> None:
    bench.processes.run(card, card_operations.contents)
    bench.desk.remove("right")
    try:
        assert set(bench.processes.run(card, card_operations.contents).certificates) == set(Purpose)
        with pytest.raises(CardRemoved, match=f"Card {card} was taken out"):
            bench.sign(card)
    finally:
        bench.desk.insert("right", card)
    bench.sign(card)


def test_an_unfinished_card_is_begun_anew_with_its_earlier_so_pins(bench: Bench) -> None:
    serial = bench.blank("left")
    bench.initialise(serial, so_pin="1111111111111111")
    # The site has kept a second SO PIN, which the card never got, and then a third.
    bench.initialise(serial, "1111111111111111", "2222222222222222", so_pin=SO_PIN, pin=OTHER_PIN)
    bench.initialise(serial, SO_PIN, so_pin="3333333333333333")
    assert set(bench.certify(serial)) == set(Purpose)


def test_the_last_try_waits_for_consent_and_then_locks(bench: Bench) -> None:
    serial = bench.blank("left")
    bench.initialise(serial)
    for left in (2, 1):
        with pytest.raises(PinIncorrect, match=f"{left} tr"):
            bench.sign(serial, WRONG)
    with pytest.raises(LastTry, match="Nothing was tried"):
        bench.sign(serial)
    assert bench.tries_left(serial) == 1
    with pytest.raises(PinLocked, match="card is locked"):
        bench.processes.run(serial, card_operations.check_pin, [Pin(WRONG)])
    with pytest.raises(PinLocked, match="card is locked"):
        bench.sign(serial)
    assert bench.tries_left(serial) == 0


def test_a_new_set_is_read_back_and_used_beside_one_that_began_in_the_same_second(bench: Bench) -> None:
    """Which of the two is in use is a matter of chance then: a renewal asks for its own."""
    serial = bench.blank()
    bench.initialise(serial)
    old = bench.certify(serial)
    made = bench.processes.run(serial, key_set_operations.make_keys_beside, [Pin(PIN)], "555036632106")
    new = bench.certificates_for(made.requests)
    for certificates in (new, old):
        used = bench.put_in_use(serial, certificates)
        assert used.read_back == certificates
        verify_raw(certificates[Purpose.AUTHENTICATION], used.proof, NONCE)
    bench.processes.run(serial, key_set_operations.keep_only, [Pin(PIN)], new)
    assert bench.processes.run(serial, card_operations.contents).certificates == new
    with pytest.raises(KeysNotOnCard):
        bench.put_in_use(serial, old)


def test_certificates_that_were_deleted_are_put_back_beside_their_keys(bench: Bench) -> None:
    """With its certificate a SmartCard-HSM loses the public half of the key, and the key is there still."""
    serial = bench.blank()
    bench.initialise(serial)
    certificates = bench.certify(serial)
    bench.processes.run(serial, destroy_certificates, [Pin(PIN)])
    assert bench.processes.run(serial, card_operations.contents).certificates == {}
    steps = bench.processes.steps(serial, key_set_operations.repair, [Pin(PIN)], certificates)
    with closing(steps) as answers:
        assert list(answers) == [None, certificates]
    verify_raw(certificates[Purpose.CONTENT_COMMITMENT], bench.sign(serial), b"said")


def test_an_issuance_goes_on_with_a_card_that_lost_what_tells_whose_keys_it_holds(bench: Bench) -> None:
    """As when it was pulled while a certificate was written. Whose they are is told by their signatures."""
    serial = bench.blank()
    bench.initialise(serial)
    certificates = bench.certify(serial)
    bench.processes.run(serial, destroy_certificates, [Pin(PIN)])
    read_back, proof = finish(bench.processes, serial, PIN, certificates)
    assert read_back.certificates == certificates
    verify_raw(certificates[Purpose.AUTHENTICATION], proof, NONCE)
    bench.processes.run(serial, destroy_certificates, [Pin(PIN)])
    made = bench.processes.run(serial, key_set_operations.make_keys_beside, [Pin(PIN)], "555036632106")
    with pytest.raises(KeysNotOnCard):
        finish(bench.processes, serial, PIN, bench.certificates_for(made.requests))


def test_a_set_that_lost_its_certificates_is_not_taken_for_the_new_one(bench: Bench) -> None:
    """Or the new keys were destroyed in its place."""
    serial = bench.blank()
    bench.initialise(serial)
    bench.certify(serial)
    made = bench.processes.run(serial, key_set_operations.make_keys_beside, [Pin(PIN)], "555036632106")
    bench.processes.run(serial, destroy_certificates, [Pin(PIN)])
    new = bench.certificates_for(made.requests)
    assert bench.put_in_use(serial, new).read_back == new
    bench.processes.run(serial, key_set_operations.keep_only, [Pin(PIN)], new)
    assert bench.processes.run(serial, card_operations.contents).certificates == new
    verify_raw(new[Purpose.CONTENT_COMMITMENT], bench.sign(serial), b"said")
