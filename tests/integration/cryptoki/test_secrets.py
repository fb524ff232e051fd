"""No PIN or SO PIN shows in an exception, its chain, a repr or a log, whatever goes wrong."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

import pytest

from cryptoki import errors
from tests.support.softhsm import LoadedToken, TokenFolder

WRONG_PIN = "90210666"
WRONG_SO_PIN = "wrong-officer-31337"
NEW_PIN = "7"


def _failures(softhsm: LoadedToken) -> list[Callable[[], object]]:
    token = softhsm.token

    def set_short_pin() -> None:
        with token.login(softhsm.pin) as session:
            session.set_pin(softhsm.pin, NEW_PIN)

    def set_pin_with_wrong_one() -> None:
        with token.login(softhsm.pin) as session:
            session.set_pin(WRONG_PIN, "16180339")

    def init_short_pin() -> None:
        with token.login_so(softhsm.so_pin) as session:
            session.init_pin(NEW_PIN)

    def second_login() -> None:
        with token.login(softhsm.pin):
            token.login(WRONG_PIN)

    return [
        lambda: token.login(WRONG_PIN),
        lambda: token.login(""),
        lambda: token.login_so(WRONG_SO_PIN),
        lambda: token.reinitialise(WRONG_SO_PIN, "x"),
        set_short_pin,
        set_pin_with_wrong_one,
        init_short_pin,
        second_login,
    ]


def test_no_secret_shows_when_something_fails(
    softhsm: LoadedToken, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(softhsm.token), repr(softhsm.module), repr(softhsm.token.info)]
    for failure in _failures(softhsm):
        with pytest.raises(errors.CryptokiError) as caught:
            failure()
        shown += [repr(caught.value), str(caught.value.args), str(vars(caught.value))]
        # Without the source lines, which hold this file's text.
        shown += [line for line in traceback.format_exception(caught.value) if not line.startswith("  File")]
    with softhsm.token.login(softhsm.pin) as session:
        shown += [repr(session), str(vars(session))]
    shown += [caplog.text, *capfd.readouterr()]
    for secret in (softhsm.pin, softhsm.so_pin, WRONG_PIN, WRONG_SO_PIN):
        assert not [text for text in shown if secret in text]


def test_a_signing_session_does_not_show_its_pin(token_folder: TokenFolder) -> None:
    with token_folder.signing_session() as keys:
        assert token_folder.pin not in repr(keys) + str(vars(keys))
    token_folder.pin_file.write_text(WRONG_PIN)
    with pytest.raises(errors.PinIncorrect) as caught:
        token_folder.signing_session()
    assert WRONG_PIN not in "".join(traceback.format_exception(caught.value))
