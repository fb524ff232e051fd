"""The PIN try counter: written before each try, reset by a right PIN, closed when it cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cryptoki import errors
from virtual_card.errors import CardDamaged
from virtual_card.tries import TryCounter


@pytest.fixture
def tries(tmp_path: Path) -> TryCounter:
    counter = TryCounter(tmp_path / "tries.json", 3)
    counter.reset()
    return counter


def _wrong(tries: TryCounter) -> errors.CryptokiError:
    with pytest.raises(errors.TokenError) as caught, tries.attempt("C_Login"):
        raise errors.PinIncorrect("C_Login")
    return caught.value


def test_wrong_pins_count_down_to_the_lock(tries: TryCounter) -> None:
    first, second, third = _wrong(tries), _wrong(tries), _wrong(tries)
    assert isinstance(first, errors.PinIncorrect)
    assert first.tries_left == 2
    assert isinstance(second, errors.PinIncorrect)
    assert second.tries_left == 1
    assert isinstance(third, errors.PinLocked)
    assert tries.left() == 0


def test_a_locked_pin_is_refused_without_a_try(tries: TryCounter) -> None:
    for _ in range(3):
        _wrong(tries)
    with pytest.raises(errors.PinLocked), tries.attempt("C_Login"):
        pytest.fail("the token was asked")


def test_a_right_pin_gives_all_tries_back(tries: TryCounter) -> None:
    _wrong(tries)
    _wrong(tries)
    with tries.attempt("C_Login"):
        pass
    assert tries.left() == 3


def test_a_try_is_on_disk_before_it_is_made(tries: TryCounter, tmp_path: Path) -> None:
    with tries.attempt("C_Login"):
        assert json.loads((tmp_path / "tries.json").read_text()) == {"used": 1}


@pytest.mark.parametrize("failure", [errors.GeneralError, errors.DeviceRemoved, KeyboardInterrupt])
def test_a_try_with_an_unknown_end_counts(tries: TryCounter, failure: type[BaseException]) -> None:
    """Else somebody could pull the card at the right moment and try for ever."""
    with pytest.raises(failure), tries.attempt("C_Login"):
        raise failure("C_Login")
    assert tries.left() == 2


@pytest.mark.parametrize(
    "failure",
    [errors.UserAlreadyLoggedIn, errors.AnotherUserAlreadyLoggedIn, errors.UserPinNotInitialized],
)
def test_a_pin_that_the_token_did_not_look_at_is_no_try(
    tries: TryCounter, failure: type[errors.TokenError]
) -> None:
    _wrong(tries)
    with pytest.raises(failure), tries.attempt("C_Login"):
        raise failure("C_Login")
    assert tries.left() == 2


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"used": -5}', '{"used": "0"}', '{"used": false}'])
def test_a_damaged_counter_lets_nobody_in(tries: TryCounter, tmp_path: Path, content: str) -> None:
    (tmp_path / "tries.json").write_text(content)
    with pytest.raises(CardDamaged), tries.attempt("C_Login"):
        pytest.fail("the token was asked")
    tries.reset()
    assert tries.left() == 3


def test_a_deleted_counter_lets_nobody_in(tries: TryCounter, tmp_path: Path) -> None:
    (tmp_path / "tries.json").unlink()
    with pytest.raises(CardDamaged), tries.attempt("C_Login"):
        pytest.fail("the token was asked")


def test_the_file_is_replaced_whole(tries: TryCounter, tmp_path: Path) -> None:
    _wrong(tries)
    assert [path.name for path in tmp_path.iterdir()] == ["tries.json"]
    assert (tmp_path / "tries.json").stat().st_mode & 0o777 == 0o600
