"""Return values become errors with their PKCS#11 names."""

from __future__ import annotations

import pkcs11.exceptions
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoki import errors
from cryptoki.certificates import der_integer
from cryptoki.return_values import CODES, error_of, translated

# What python-pkcs11 has no class for.
_WITHOUT_CLASS = {"CKR_KEY_FUNCTION_NOT_PERMITTED", "CKR_CRYPTOKI_NOT_INITIALIZED",
                  "CKR_CRYPTOKI_ALREADY_INITIALIZED"}  # fmt: skip


def _library_classes() -> list[type[Exception]]:
    return [
        value
        for value in vars(pkcs11.exceptions).values()
        if isinstance(value, type) and issubclass(value, pkcs11.exceptions.PKCS11Error)
    ]


@pytest.mark.parametrize("code", CODES)
def test_a_meaningful_return_value_has_a_class_of_its_own(code: int) -> None:
    error = error_of("C_Login", code)
    assert type(error) is CODES[code]
    assert str(error) == f"C_Login: {error.ckr}. {error.sentence}"
    assert error.function == "C_Login"


def test_no_two_classes_share_a_name() -> None:
    assert len({error.ckr for error in CODES.values()}) == len(CODES)


def test_an_unknown_return_value_shows_its_number() -> None:
    error = error_of("C_Login", 0x80000123)
    assert type(error) is errors.TokenError
    assert error.ckr == "CKR_0x80000123"


def test_every_class_is_reached_from_what_the_library_raises() -> None:
    reached = set()
    for kind in _library_classes():
        with pytest.raises(errors.CryptokiError) as caught, translated("C_Sign"):
            raise kind
        if isinstance(caught.value, errors.TokenError):
            reached.add(type(caught.value))
    expected = {error for error in CODES.values() if error.ckr not in _WITHOUT_CLASS}
    assert expected <= reached


def test_what_the_library_has_no_class_for_is_known_too() -> None:
    with pytest.raises(errors.KeyFunctionNotPermitted), translated("C_Sign"):
        raise pkcs11.exceptions.PKCS11Error("Unmapped error code 0x68")
    with pytest.raises(errors.CryptokiNotInitialized), translated("C_Sign"):
        raise pkcs11.exceptions.PKCS11Error("Initialisation error (not initialized). Should never see this.")


@given(st.integers(min_value=0, max_value=2**159 - 1))
def test_a_serial_number_is_a_der_integer(number: int) -> None:
    encoded = der_integer(number)
    assert encoded[:2] == bytes((2, len(encoded) - 2))
    assert int.from_bytes(encoded[2:], "big", signed=True) == number
    assert len(encoded) == 3 or encoded[2] != 0 or encoded[3] >= 0x80, "not the shortest form"
