"""Return values of PKCS#11 functions as errors (PKCS #11 v2.40, pkcs11t.h)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pkcs11.exceptions import MultipleObjectsReturned, NoSuchKey, PKCS11Error

from cryptoki import errors

CKR_OK: Final = 0
CODES: Final[dict[int, type[errors.TokenError]]] = {
    0x003: errors.SlotIdInvalid,
    0x005: errors.GeneralError,
    0x011: errors.AttributeSensitive,
    0x031: errors.DeviceMemory,
    0x032: errors.DeviceRemoved,
    0x054: errors.FunctionNotSupported,
    0x068: errors.KeyFunctionNotPermitted,
    0x070: errors.MechanismInvalid,
    0x090: errors.OperationActive,
    0x0A0: errors.PinIncorrect,
    0x0A1: errors.PinInvalid,
    0x0A2: errors.PinLenRange,
    0x0A3: errors.PinExpired,
    0x0A4: errors.PinLocked,
    0x0B3: errors.SessionHandleInvalid,
    0x0B6: errors.SessionExists,
    0x0B7: errors.SessionReadOnlyExists,
    0x0E0: errors.TokenNotPresent,
    0x0E2: errors.TokenWriteProtected,
    0x100: errors.UserAlreadyLoggedIn,
    0x101: errors.UserNotLoggedIn,
    0x102: errors.UserPinNotInitialized,
    0x104: errors.AnotherUserAlreadyLoggedIn,
    0x190: errors.CryptokiNotInitialized,
    0x191: errors.CryptokiAlreadyInitialized,
}
# The library has the same names, but for the case of one letter.
_BY_CLASS_NAME: Final = {error.__name__.lower(): error for error in CODES.values()}
_UNMAPPED: Final = re.compile(r"Unmapped error code (0x[0-9a-f]+)")
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def error_of(function: str, return_value: int) -> errors.TokenError:
    """The error for a return value of ``function`` other than CKR_OK."""
    known = CODES.get(return_value)
    return known(function) if known else errors.TokenError(function, f"CKR_{return_value:#x}")


@contextmanager
def translated(function: str) -> Iterator[None]:
    """Turn what python-pkcs11 raises inside into errors of this package; ``function`` names the step."""
    try:
        yield
    except NoSuchKey as error:
        raise errors.ObjectNotFound(f"{function}: the token shows no such object.") from error
    except MultipleObjectsReturned as error:
        raise errors.SeveralObjectsFound(f"{function}: more than one object answers.") from error
    except PKCS11Error as error:
        raise _translate(function, error) from error


def _translate(function: str, error: PKCS11Error) -> errors.TokenError:
    if "not initialized" in str(error):
        return errors.CryptokiNotInitialized(function)
    unmapped = _UNMAPPED.search(str(error))
    if unmapped:
        return error_of(function, int(unmapped[1], 16))
    name = type(error).__name__
    if name.lower() in _BY_CLASS_NAME:
        return _BY_CLASS_NAME[name.lower()](function)
    return errors.TokenError(function, "CKR_" + _WORDS.sub("_", name).upper())
