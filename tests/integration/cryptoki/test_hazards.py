"""What goes wrong with cards in real readers, shown, and the cure of each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import Attribute, ObjectClass

from card_agent.errors import CardFault
from card_agent.logged_in_token import token_errors
from cryptoki import InsertedCard, KeySpec, Module, errors, inserted_card, load_card_profiles
from cryptoki.certificates import der_integer
from pcsc.errors import CardInUse
from tests.support.certificates_for_tokens import certified
from virtual_card import VirtualCard
from virtual_card.pcsc import PcscDesk, pcsc_reader_name

PROFILES = load_card_profiles()
PIN, NEW_PIN, WRONG = "59174028", "27182818", "00000000"
DONE, NOBODY_IS_LOGGED_IN = "9000", "6982"
ONLY_SMARTCARD_HSM = pytest.mark.parametrize("kind", ["smartcard-hsm"])


@pytest.fixture(params=["smartcard-hsm", "piv"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def so_pin(kind: str) -> str:
    return PROFILES[kind].random_so_pin()


@pytest.fixture
def card(pcsc_desk: PcscDesk, kind: str, so_pin: str) -> Iterator[VirtualCard]:
    """A card with a PIN in the left reader."""
    card = pcsc_desk.new_blank_card(profile=kind)
    pcsc_desk.insert("left", card.serial)
    with _opened(card) as opened:
        opened.initialise(so_pin, PIN, "card")
    yield card
    for reader in pcsc_desk.readers():
        if reader.card is not None:
            pcsc_desk.remove(reader.position)


def _opened(card: VirtualCard) -> AbstractContextManager[InsertedCard]:
    return inserted_card(PROFILES[card.profile], card.serial)


def _make_key(card: InsertedCard) -> None:
    with card.login_to_write(PIN) as session:
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication")


def _sign_in_another_process(reader: str) -> str:
    command = [sys.executable, "-m", "tests.support.signing_past_a_login", reader]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@ONLY_SMARTCARD_HSM
def test_opensc_takes_a_wrong_so_pin_at_login_and_unblocking_does_not(card: VirtualCard, so_pin: str) -> None:
    wrong = PROFILES["smartcard-hsm"].random_so_pin()
    with _opened(card) as opened:
        with opened.token.login_so(wrong) as session, pytest.raises(errors.PinIncorrect) as refusal:
            session.init_pin(NEW_PIN)
        assert refusal.value.function == "C_InitPIN"
        with pytest.raises(errors.PinIncorrect):
            opened.unblock(wrong, NEW_PIN)
        assert opened.so_tries_left() == 13
        opened.login(PIN).close()
        opened.unblock(so_pin, NEW_PIN)
        assert opened.so_tries_left() == 15


@ONLY_SMARTCARD_HSM
def test_an_unlocked_card_signs_for_any_program_until_it_is_reset(card: VirtualCard) -> None:
    with _opened(card) as opened:
        _make_key(opened)
        reader = opened.reader
        with opened.login(PIN):
            assert _sign_in_another_process(reader) == DONE
    assert _sign_in_another_process(reader) == NOBODY_IS_LOGGED_IN


@ONLY_SMARTCARD_HSM
def test_a_card_is_reset_when_the_operation_fails_too(card: VirtualCard) -> None:
    def fail_while_logged_in() -> None:
        with _opened(card) as opened:
            _make_key(opened)
            opened.login(PIN)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail_while_logged_in()
    assert _sign_in_another_process(pcsc_reader_name("left")) == NOBODY_IS_LOGGED_IN


@contextmanager
def _held_by_another_program(reader: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.support.holding_a_card", reader]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline()
        try:
            yield
        finally:
            holder.stdin.close()


def test_a_card_that_another_program_keeps_for_itself_is_not_waited_for_for_ever(
    card: VirtualCard, so_pin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pcsc.context.FREE_WITHIN_SECONDS", 0.5)
    with _opened(card) as opened:
        tries = opened.so_tries_left()
        with _held_by_another_program(opened.reader):
            for ask in (opened.so_tries_left, opened.reset):
                with pytest.raises(CardInUse, match="Another program"):
                    ask()
            with pytest.raises(CardFault, match="does not let go"), token_errors():
                opened.so_tries_left()
        monkeypatch.undo()
        assert opened.so_tries_left() == tries, "what came too late was given back"
        opened.unblock(so_pin, NEW_PIN)


def test_failed_logins_leave_no_session(card: VirtualCard, so_pin: str) -> None:
    """A session left open would make C_InitToken fail with CKR_SESSION_EXISTS."""
    with _opened(card) as opened:
        for _ in range(2):
            with pytest.raises(errors.PinIncorrect):
                opened.token.login(WRONG)
        with pytest.raises(errors.TokenError):
            opened.unblock(PROFILES[card.profile].random_so_pin(), PIN)
        opened.initialise(so_pin, PIN, "card", present_so_pin=so_pin)
        opened.login(PIN).close()


def test_a_card_is_found_by_its_serial_whatever_its_slot_is(pcsc_desk: PcscDesk, card: VirtualCard) -> None:
    profile = PROFILES[card.profile]

    def slot_of(serial: str) -> int:
        with Module.load(profile.module) as module:
            slots = {slot.token.info.serial: slot.slot_id for slot in module.slots() if slot.token}
        return slots[serial]

    before = slot_of(card.serial)
    pcsc_desk.remove("left")
    other = pcsc_desk.new_blank_card(profile=card.profile)
    pcsc_desk.insert("left", other.serial)
    pcsc_desk.insert("right", card.serial)
    assert slot_of(other.serial) == before
    assert slot_of(card.serial) != before
    with _opened(card) as opened:
        assert opened.serial == card.serial
        opened.login(PIN).close()
    with pytest.raises(errors.SeveralTokensFound), inserted_card(profile):
        pass
    with pytest.raises(errors.TokenNotFound), inserted_card(profile, "no-such-card"):
        pass


def test_certificates_have_the_serial_number_by_which_browsers_see_them(card: VirtualCard) -> None:
    with _opened(card) as opened:
        _make_key(opened)
        with opened.login_to_write(PIN) as session:
            der = certified(session.public_key(cka_id=b"\x01")).public_bytes(Encoding.DER)
            session.write_certificate(der, cka_id=b"\x01", label="authentication")
    wanted = x509.load_der_x509_certificate(der)
    with _opened(card) as opened, opened.token.open() as session:
        template = {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.ID: b"\x01"}
        found = [each for each in session._session.get_objects(template) if each[Attribute.VALUE] == der]
        assert len(found) == 1
        assert found[0][Attribute.SERIAL_NUMBER] == der_integer(wanted.serial_number)
        assert found[0][Attribute.ISSUER] == wanted.issuer.public_bytes()
        assert found[0][Attribute.SUBJECT] == wanted.subject.public_bytes()


def test_the_last_try_of_the_pin_needs_a_second_person(card: VirtualCard) -> None:
    """Not even the right PIN is tried, by whichever login: one slip and the card would be locked."""
    with _opened(card) as opened:
        for _ in range(2):
            with pytest.raises(errors.PinIncorrect):
                opened.login(WRONG)
    with _opened(card) as opened:
        for login in (opened.login, opened.login_to_write):
            with pytest.raises(errors.LastTryNeedsConsent):
                login(PIN)
        with pytest.raises(errors.LastTryNeedsConsent):
            opened.change_pin(PIN, NEW_PIN)
        assert opened.tries_left() == 1
        opened.login(PIN, consent_to_last_try=True).close()
        assert opened.tries_left() == 3


def test_the_last_try_of_the_so_pin_needs_a_second_person(card: VirtualCard, so_pin: str) -> None:
    """No module flags it, so the card itself is asked."""
    with _opened(card) as opened:
        while (opened.so_tries_left() or 0) > 1:
            with pytest.raises(errors.PinIncorrect):
                opened.unblock(PROFILES[card.profile].random_so_pin(), NEW_PIN)
        with pytest.raises(errors.LastTryNeedsConsent, match="nobody can ever unblock"):
            opened.unblock(so_pin, NEW_PIN)
        with pytest.raises(errors.LastTryNeedsConsent):
            opened.initialise(so_pin, PIN, "card", present_so_pin=so_pin)
        with pytest.raises(errors.LastTryNeedsConsent):
            opened.clear(so_pin, PIN)
        with pytest.raises(errors.LastTryNeedsConsent):
            opened.change_so_pin(so_pin, PROFILES[card.profile].random_so_pin())
        assert opened.so_tries_left() == 1
        opened.unblock(so_pin, NEW_PIN, consent_to_last_try=True)
        assert (opened.so_tries_left() or 0) > 1
