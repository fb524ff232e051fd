"""The PKCS#11 functions that python-pkcs11 lacks or calls unsafely, through ctypes (PKCS #11 v2.40).

The dynamic loader returns the same library for the same file, so these calls and python-pkcs11's share one
state. python-pkcs11 calls C_Initialize(NULL) and then releases the GIL in every call: with threads that
crashes. Initialising here with CKF_OS_LOCKING_OK cures it. Login is here too, because python-pkcs11 leaks the
session when a login fails.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from cryptoki import errors
from cryptoki.return_values import CKR_OK, error_of

_ULONG: Final = ctypes.c_ulong
_CKF_OS_LOCKING_OK: Final = 2
# CK_FUNCTION_LIST begins with CK_VERSION, padded to the alignment of the pointers that follow in this order.
_POSITIONS: Final = {
    "C_Initialize": 0,
    "C_Finalize": 1,
    "C_GetTokenInfo": 6,
    "C_InitToken": 9,
    "C_CloseAllSessions": 14,
    "C_GetSessionInfo": 15,
    "C_Login": 18,
    "C_Logout": 19,
}


class UserType(IntEnum):
    """CK_USER_TYPE."""

    SO = 0
    USER = 1


class SessionState(IntEnum):
    """CK_STATE: what a session may do, which depends on who is logged in."""

    RO_PUBLIC = 0
    RO_USER = 1
    RW_PUBLIC = 2
    RW_USER = 3
    RW_SO = 4


class _Version(ctypes.Structure):
    _fields_ = (("major", ctypes.c_ubyte), ("minor", ctypes.c_ubyte))


class NativeTokenInfo(ctypes.Structure):
    """CK_TOKEN_INFO."""

    _fields_ = (
        ("label", ctypes.c_char * 32),
        ("manufacturerID", ctypes.c_char * 32),
        ("model", ctypes.c_char * 16),
        ("serialNumber", ctypes.c_char * 16),
        *((name, _ULONG) for name in (
            "flags", "ulMaxSessionCount", "ulSessionCount", "ulMaxRwSessionCount", "ulRwSessionCount",
            "ulMaxPinLen", "ulMinPinLen", "ulTotalPublicMemory", "ulFreePublicMemory",
            "ulTotalPrivateMemory", "ulFreePrivateMemory",
        )),
        ("hardwareVersion", _Version),
        ("firmwareVersion", _Version),
        ("utcTime", ctypes.c_char * 16),
    )  # fmt: skip


class _SessionInfo(ctypes.Structure):
    _fields_ = (("slotID", _ULONG), ("state", _ULONG), ("flags", _ULONG), ("ulDeviceError", _ULONG))


class _InitializeArguments(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("CreateMutex", "DestroyMutex", "LockMutex", "UnlockMutex")),
        ("flags", _ULONG),
        ("pReserved", ctypes.c_void_p),
    )


class NativeLibrary:
    """The function list of one PKCS#11 module file. Raises ModuleNotUsable."""

    def __init__(self, path: Path) -> None:
        try:
            # Kept for as long as this object lives: unloading a module that has threads of its own crashes.
            self._library = ctypes.CDLL(str(path))
            self._table = _function_list(self._library)
        except (OSError, AttributeError) as error:
            raise errors.ModuleNotUsable(f"{path} cannot be loaded as a PKCS#11 module: {error}") from error

    def initialize(self) -> None:
        """C_Initialize, telling the module that it may be called from many threads."""
        arguments = _InitializeArguments(flags=_CKF_OS_LOCKING_OK)
        self._call("C_Initialize", ctypes.byref(arguments))

    def finalize(self) -> None:
        """C_Finalize: every session, login and handle of this process ends."""
        self._call("C_Finalize", None)

    def token_info(self, slot_id: int) -> NativeTokenInfo:
        """C_GetTokenInfo, fresh from the module."""
        info = NativeTokenInfo()
        self._call("C_GetTokenInfo", _ULONG(slot_id), ctypes.byref(info))
        return info

    def init_token(self, slot_id: int, so_pin: str, label: str) -> None:
        """C_InitToken: erase the token in the slot. ``label`` is padded to 32 bytes with blanks."""
        pin = so_pin.encode()
        self._call("C_InitToken", _ULONG(slot_id), pin, _ULONG(len(pin)), label.encode().ljust(32))

    def close_all_sessions(self, slot_id: int) -> None:
        """C_CloseAllSessions: also logs this process out of the token."""
        self._call("C_CloseAllSessions", _ULONG(slot_id))

    def session_state(self, session: int) -> SessionState:
        """C_GetSessionInfo: who is logged in, as this session sees it."""
        info = _SessionInfo()
        self._call("C_GetSessionInfo", _ULONG(session), ctypes.byref(info))
        return SessionState(info.state)

    def login(self, session: int, user: UserType, pin: str) -> None:
        """C_Login. Raises PinIncorrect, PinLocked, UserPinNotInitialized, ..."""
        encoded = pin.encode()
        self._call("C_Login", _ULONG(session), _ULONG(user), encoded, _ULONG(len(encoded)))

    def logout(self, session: int) -> None:
        """C_Logout: for every session of this process with the token."""
        self._call("C_Logout", _ULONG(session))

    def _call(self, function: str, *arguments: Any) -> None:
        prototype = ctypes.CFUNCTYPE(_ULONG)
        return_value = prototype(self._table[_POSITIONS[function]])(*arguments)
        if return_value != CKR_OK:
            raise error_of(function, return_value)


def _function_list(library: ctypes.CDLL) -> Any:
    """CK_FUNCTION_LIST as an array of addresses."""
    pointer = ctypes.c_void_p()
    get_function_list = library.C_GetFunctionList
    get_function_list.restype = _ULONG
    return_value = get_function_list(ctypes.byref(pointer))
    if return_value != CKR_OK or pointer.value is None:
        raise OSError("C_GetFunctionList gave nothing")
    table = ctypes.c_void_p * (max(_POSITIONS.values()) + 1)
    return table.from_address(pointer.value + ctypes.sizeof(ctypes.c_void_p))
