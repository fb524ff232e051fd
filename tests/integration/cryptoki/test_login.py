"""Logging in to a token: right and wrong PINs, who is logged in, and nothing left open."""

from __future__ import annotations

import pytest
from pkcs11.constants import TokenFlag

from cryptoki import DEFAULT_MODULE, Module, errors
from tests.support.softhsm import LoadedToken, TokenFolder


def test_a_token_says_what_it_is(softhsm: LoadedToken) -> None:
    info = softhsm.token.info
    assert info.label == softhsm.label
    assert info.initialised
    assert info.user_pin_initialised
    assert (info.pin_minimum, info.pin_maximum) == (4, 255)
    assert info.serial
    assert info.session_count is None, "SoftHSM does not tell how many sessions are open"


def test_a_token_is_found_by_its_serial(softhsm: LoadedToken) -> None:
    serial = softhsm.token.info.serial
    assert softhsm.module is not None
    assert softhsm.module.find_token(serial=serial).info.label == softhsm.label


def test_an_unknown_token_is_named_in_the_refusal(softhsm: LoadedToken) -> None:
    assert softhsm.module is not None
    with pytest.raises(errors.TokenNotFound, match="Some other"):
        softhsm.module.find_token(label="Some other")


def test_two_tokens_of_one_label_are_not_guessed_between(softhsm: LoadedToken) -> None:
    assert softhsm.module is not None
    softhsm.module.init_token(softhsm.label, softhsm.so_pin)
    with pytest.raises(errors.SeveralTokensFound):
        softhsm.module.find_token(label=softhsm.label)


def test_a_wrong_pin_is_refused_and_leaves_no_session(softhsm: LoadedToken) -> None:
    for _ in range(6):
        with pytest.raises(errors.PinIncorrect, match="CKR_PIN_INCORRECT"):
            softhsm.token.login("000000")
    softhsm.token.reinitialise(softhsm.so_pin, softhsm.label)  # would be CKR_SESSION_EXISTS


def test_token_flags_are_fresh(softhsm: LoadedToken) -> None:
    token = softhsm.token
    with pytest.raises(errors.PinIncorrect):
        token.login("000000")
    assert TokenFlag.USER_PIN_COUNT_LOW in token.info.flags
    token.login(softhsm.pin).close()
    assert TokenFlag.USER_PIN_COUNT_LOW not in token.info.flags


def test_a_wrong_so_pin_is_refused(softhsm: LoadedToken) -> None:
    with pytest.raises(errors.PinIncorrect):
        softhsm.token.login_so("not-the-so-pin")
    with pytest.raises(errors.PinIncorrect):
        softhsm.token.reinitialise("not-the-so-pin", "x")


@pytest.mark.parametrize("pin", ["000000", "271828"])
def test_a_second_login_is_refused_without_trying_the_pin(softhsm: LoadedToken, pin: str) -> None:
    """Login belongs to the process: a second one would succeed or fail whatever the PIN."""
    with softhsm.token.login(softhsm.pin) as session:
        with pytest.raises(errors.UserAlreadyLoggedIn):
            softhsm.token.login(pin)
        assert session.certificates() == []
        assert TokenFlag.USER_PIN_COUNT_LOW not in softhsm.token.info.flags


def test_the_so_and_the_user_are_not_logged_in_together(softhsm: LoadedToken) -> None:
    with softhsm.token.login_so(softhsm.so_pin), pytest.raises(errors.AnotherUserAlreadyLoggedIn):
        softhsm.token.login(softhsm.pin)
    with softhsm.token.login(softhsm.pin), pytest.raises(errors.AnotherUserAlreadyLoggedIn):
        softhsm.token.login_so(softhsm.so_pin)


def test_the_so_cannot_log_in_beside_a_read_only_session(softhsm: LoadedToken) -> None:
    with softhsm.token.open(), pytest.raises(errors.SessionReadOnlyExists):
        softhsm.token.login_so(softhsm.so_pin)


def test_a_token_without_user_pin_says_so(softhsm: LoadedToken) -> None:
    softhsm.token.reinitialise(softhsm.so_pin, softhsm.label)
    with pytest.raises(errors.UserPinNotInitialized):
        softhsm.token.login(softhsm.pin)


def test_the_user_changes_the_pin(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        session.set_pin(softhsm.pin, "161803")
    with pytest.raises(errors.PinIncorrect):
        softhsm.token.login(softhsm.pin)
    softhsm.token.login("161803").close()


def test_a_pin_that_the_token_does_not_take_is_refused(softhsm: LoadedToken) -> None:
    with softhsm.token.login_so(softhsm.so_pin) as session, pytest.raises(errors.PinLenRange):
        session.init_pin("1")


def test_only_the_so_sets_a_pin_without_the_old_one(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session, pytest.raises(errors.UserNotLoggedIn):
        session.init_pin("161803")


def test_a_token_is_not_erased_while_sessions_are_open(softhsm: LoadedToken) -> None:
    with softhsm.token.open(), pytest.raises(errors.SessionExists):
        softhsm.token.reinitialise(softhsm.so_pin, "x")
    leaked = softhsm.token.open()
    softhsm.token.close_all_sessions()
    softhsm.token.reinitialise(softhsm.so_pin, softhsm.label)
    leaked.close()


def test_closing_twice_does_nothing(softhsm: LoadedToken) -> None:
    session = softhsm.token.login(softhsm.pin)
    session.close()
    session.close()


def test_one_process_loads_a_module_once(softhsm: LoadedToken) -> None:
    with pytest.raises(errors.ModuleInUse, match="finalise it first"):
        Module.load(DEFAULT_MODULE, softhsm_conf=softhsm.conf)


def test_a_finalised_module_says_so(token_folder: TokenFolder) -> None:
    module = token_folder.load()
    token = module.find_token(label=token_folder.label)
    session = token.login(token_folder.pin)
    module.finalize()
    module.finalize()
    session.close()
    with pytest.raises(errors.CryptokiNotInitialized):
        token.login(token_folder.pin)
    with pytest.raises(errors.CryptokiNotInitialized):
        module.slots()


@pytest.mark.parametrize("path", ["/nowhere/libpkcs11.so", "/etc/hostname"])
def test_a_file_that_is_no_module_is_refused(path: str) -> None:
    with pytest.raises(errors.ModuleNotUsable, match=path):
        Module.load(path)


def test_a_library_that_is_no_pkcs11_module_is_refused() -> None:
    with pytest.raises(errors.ModuleNotUsable, match=r"libc\.so\.6"):
        Module.load("libc.so.6")
