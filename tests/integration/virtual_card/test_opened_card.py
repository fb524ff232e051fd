"""A card in use: made ready, logged in to, locked, unblocked, changed and erased. All on real SoftHSM."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from cryptoki import CardProfile, KeySpec, errors, load_card_profiles
from tests.support.certificates_for_tokens import self_signed
from tests.support.softhsm_processes import die_during_login, guess, hold_until, sign_once
from virtual_card import Desk, OpenedCard, VirtualCard, open_card
from virtual_card.errors import CardInUse, CardNotInitialised

SO_PIN = "so-pin-of-this-one-card-4711"
PIN = "314159"
WRONG = "000000"


@pytest.fixture
def profile() -> CardProfile:
    return load_card_profiles()["softhsm"]


@pytest.fixture
def blank(tmp_path: Path) -> VirtualCard:
    return Desk(tmp_path / "desk").new_blank_card()


@pytest.fixture
def card(blank: VirtualCard, profile: CardProfile) -> VirtualCard:
    with open_card(blank, profile) as opened:
        opened.initialise(SO_PIN, PIN, "card")
    return blank


@pytest.fixture
def opened(card: VirtualCard, profile: CardProfile) -> Iterator[OpenedCard]:
    with open_card(card, profile) as opened:
        yield opened


def _lock(opened: OpenedCard) -> None:
    for _ in range(2):
        with pytest.raises(errors.PinIncorrect):
            opened.login(WRONG)
    with pytest.raises(errors.PinLocked):
        opened.login(WRONG)


def test_a_blank_card_has_nothing_to_log_in_to(blank: VirtualCard, profile: CardProfile) -> None:
    with open_card(blank, profile) as opened:
        assert not opened.is_initialised
        assert opened.certificates_without_pin() == []
        with pytest.raises(CardNotInitialised, match="blank"):
            opened.login(PIN)
        with pytest.raises(CardNotInitialised):
            opened.unblock(SO_PIN, PIN)
    assert blank.tries_left() == 3


def test_the_holder_logs_in_and_signs(opened: OpenedCard) -> None:
    assert opened.is_initialised
    with opened.login(PIN) as session:
        sign_once(session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="a").private_key)
    with opened.login(PIN) as session:
        sign_once(session.private_key(cka_id=b"\x01"))


def test_certificates_are_read_without_pin(opened: OpenedCard) -> None:
    with opened.login(PIN) as session:
        key = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication").private_key
        der = self_signed(key).public_bytes(Encoding.DER)
        session.write_certificate(der, cka_id=b"\x01", label="authentication")
    assert [certificate.der for certificate in opened.certificates_without_pin()] == [der]
    assert x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256())


def test_three_wrong_pins_lock_the_card(opened: OpenedCard) -> None:
    with pytest.raises(errors.PinIncorrect) as first:
        opened.login(WRONG)
    assert first.value.tries_left == 2
    with pytest.raises(errors.PinIncorrect) as second:
        opened.login(WRONG)
    assert second.value.tries_left == 1
    with pytest.raises(errors.PinLocked):
        opened.login(WRONG)
    assert opened.card.tries_left() == 0


def test_a_locked_card_refuses_the_right_pin(opened: OpenedCard) -> None:
    _lock(opened)
    with pytest.raises(errors.PinLocked):
        opened.login(PIN)
    with pytest.raises(errors.PinLocked):
        opened.change_pin(PIN, "161803")


def test_a_locked_card_is_locked_after_a_restart(card: VirtualCard, profile: CardProfile) -> None:
    with open_card(card, profile) as opened:
        _lock(opened)
    again = VirtualCard.read(card.folder.parent, card.serial)
    with open_card(again, profile) as opened, pytest.raises(errors.PinLocked):
        opened.login(PIN)


def test_a_locked_pin_needs_the_so_pin(opened: OpenedCard) -> None:
    _lock(opened)
    with pytest.raises(errors.PinIncorrect):
        opened.unblock("not-the-so-pin-of-this-card", "161803")
    assert opened.card.tries_left() == 0
    opened.unblock(SO_PIN, "161803")
    assert opened.card.tries_left() == 3
    with pytest.raises(errors.PinIncorrect):
        opened.login(PIN)
    opened.login("161803").close()


def test_unblocking_keeps_the_keys(opened: OpenedCard) -> None:
    with opened.login(PIN) as session:
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="a")
    _lock(opened)
    opened.unblock(SO_PIN, PIN)
    with opened.login(PIN) as session:
        sign_once(session.private_key(cka_id=b"\x01"))


def test_a_right_pin_gives_all_tries_back(opened: OpenedCard) -> None:
    for _ in range(3):
        with pytest.raises(errors.PinIncorrect):
            opened.login(WRONG)
        opened.login(PIN).close()
        assert opened.card.tries_left() == 3


@pytest.mark.parametrize("pin", ["", "123", "1" * 256])
def test_a_pin_that_no_card_can_have_is_no_try(opened: OpenedCard, pin: str) -> None:
    with pytest.raises(errors.PinLenRange):
        opened.login(pin)
    assert opened.card.tries_left() == 3


def test_a_second_login_tells_nothing_about_a_pin(opened: OpenedCard) -> None:
    with opened.login(PIN):
        for pin in (PIN, WRONG):
            with pytest.raises(errors.UserAlreadyLoggedIn):
                opened.login(pin)
    assert opened.card.tries_left() == 3


def test_the_holder_changes_the_pin(opened: OpenedCard) -> None:
    opened.change_pin(PIN, "161803")
    with pytest.raises(errors.PinIncorrect):
        opened.change_pin(PIN, "271828")
    assert opened.card.tries_left() == 2
    opened.login("161803").close()


def test_initialising_again_erases_the_keys_and_keeps_the_serial(opened: OpenedCard) -> None:
    with opened.login(PIN) as session:
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="a")
    _lock(opened)
    opened.initialise(SO_PIN, "161803", "card")
    with opened.login("161803") as session:
        assert not session.has_private_key(cka_id=b"\x01")
    assert opened.card.tries_left() == 3
    assert VirtualCard.read(opened.card.folder.parent, opened.card.serial) == opened.card


def test_initialising_again_needs_the_so_pin_of_the_card(opened: OpenedCard) -> None:
    with pytest.raises(errors.PinIncorrect):
        opened.initialise("another-so-pin-of-this-card", "161803", "card")
    opened.login(PIN).close()


def test_a_software_card_is_made_blank_again(opened: OpenedCard) -> None:
    _lock(opened)
    opened.erase()
    assert not opened.is_initialised
    assert opened.card.tries_left() == 3
    opened.initialise("another-so-pin-of-this-card", "161803", "card")
    opened.login("161803").close()


def test_keys_are_made_by_the_profile(opened: OpenedCard) -> None:
    with opened.login(PIN) as session:
        pair = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="a")
    assert pair.provenance["never_extractable"]
    assert pair.provenance["local"]


def test_a_process_has_one_card_open(opened: OpenedCard, profile: CardProfile, tmp_path: Path) -> None:
    other = Desk(tmp_path / "desk").new_blank_card()
    with pytest.raises(errors.ModuleInUse), open_card(other, profile):
        pytest.fail("two cards are open")


def test_cards_are_opened_one_after_the_other(
    card: VirtualCard, profile: CardProfile, tmp_path: Path
) -> None:
    other = Desk(tmp_path / "desk").new_blank_card()
    for _ in range(3):
        with open_card(card, profile) as opened:
            opened.login(PIN).close()
        with open_card(other, profile) as opened:
            assert not opened.is_initialised


def test_a_card_in_use_by_another_process_is_refused(card: VirtualCard, profile: CardProfile) -> None:
    spawn = multiprocessing.get_context("spawn")
    held, release = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=hold_until, args=(card.folder.parent, card.serial, held, release))
    holder.start()
    held.wait()
    with pytest.raises(CardInUse, match=card.serial), open_card(card, profile, wait_seconds=0):
        pytest.fail("the card was given twice")
    assert card.tries_left() == 3
    release.set()
    holder.join()
    with open_card(card, profile) as opened:
        opened.login(PIN).close()


def test_a_killed_login_costs_a_try(card: VirtualCard, profile: CardProfile) -> None:
    """The try is on disk before the token is asked, so killing the program gives no free guesses."""
    spawn = multiprocessing.get_context("spawn")
    for left in (2, 1, 0):
        child = spawn.Process(target=die_during_login, args=(card.folder.parent, card.serial))
        child.start()
        child.join()
        assert child.exitcode == 9
        assert card.tries_left() == left
    with open_card(card, profile) as opened, pytest.raises(errors.PinLocked):
        opened.login(PIN)


def test_guesses_at_the_same_moment_all_count(card: VirtualCard) -> None:
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    children = [
        spawn.Process(target=guess, args=(card.folder.parent, card.serial, WRONG, start)) for _ in range(3)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert card.tries_left() == 0


def test_no_secret_shows(opened: OpenedCard, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(opened), str(vars(opened)), repr(opened.card)]
    with pytest.raises(errors.PinIncorrect) as caught:
        opened.login("90210666")
    shown.append(repr(caught.value) + str(vars(caught.value)))
    with pytest.raises(errors.PinIncorrect) as caught:
        opened.unblock("wrong-officer-31337", PIN)
    shown.append(repr(caught.value) + str(vars(caught.value)))
    files = [path.read_bytes() for path in opened.card.folder.rglob("*") if path.is_file()]
    for secret in (PIN, SO_PIN, "90210666", "wrong-officer-31337"):
        assert not [text for text in [*shown, caplog.text] if secret in text]
        assert not [content for content in files if secret.encode() in content]
