"""A token: what it says of itself, and logging in to it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pkcs11.types
from pkcs11.constants import TokenFlag

from cryptoki import errors
from cryptoki.module_state import ModuleState
from cryptoki.native import NativeTokenInfo, SessionState, UserType
from cryptoki.return_values import translated
from cryptoki.session import Session


@dataclass(frozen=True)
class TokenInfo:
    """CK_TOKEN_INFO, read at one moment. Lengths in characters, counts of sessions of this process.

    A session count is None when the module does not tell.
    """

    label: str
    serial: str
    manufacturer: str
    model: str
    flags: TokenFlag
    pin_minimum: int
    pin_maximum: int
    session_count: int | None
    rw_session_count: int | None

    @property
    def initialised(self) -> bool:
        """Whether C_InitToken was done."""
        return TokenFlag.TOKEN_INITIALIZED in self.flags

    @property
    def user_pin_initialised(self) -> bool:
        """Whether the user's PIN was ever set."""
        return TokenFlag.USER_PIN_INITIALIZED in self.flags

    def pin_tries_left(self, allowed: int) -> int:
        """How many tries of the user's PIN are left, as far as the flags tell (CKF_USER_PIN_*).

        ``allowed`` is how many the card gives in all. Exact for the last three; above that the flags tell
        only that some were used.
        """
        if TokenFlag.USER_PIN_LOCKED in self.flags:
            return 0
        if TokenFlag.USER_PIN_FINAL_TRY in self.flags:
            return 1
        return allowed - 1 if TokenFlag.USER_PIN_COUNT_LOW in self.flags else allowed


class Token:
    """A token in a slot, found by label or serial (a slot id does not outlive the module's state)."""

    def __init__(self, slot: pkcs11.types.Slot, state: ModuleState) -> None:
        self._slot = slot
        self._state = state
        self._native = state.native

    @property
    def info(self) -> TokenInfo:
        """What the token says of itself now."""
        self._state.check()
        return _token_info(self._native.token_info(self._slot.slot_id))

    def open(self, *, read_write: bool = False) -> Session:
        """A session without login: certificates and public keys can be read."""
        session = self._open(read_write)
        return Session(session, self._state, lambda: _close(session))

    def login(self, pin: str, *, consent_to_last_try: bool = False) -> Session:
        """A read-write session, logged in as the user; leaves no session behind when it fails.

        Raises PinIncorrect, PinLocked, PinLenRange, UserPinNotInitialized, and UserAlreadyLoggedIn without
        trying the PIN: a module in which somebody is logged in would accept any. Raises LastTryNeedsConsent,
        also without trying, when the token says that one try is left; ``consent_to_last_try`` says that a
        second person agrees to it.
        """
        self.require_user_tries(consent_to_last_try=consent_to_last_try)
        return self._login(UserType.USER, pin)

    def login_so(self, so_pin: str, *, consent_to_last_try: bool = False) -> Session:
        """A read-write session, logged in as the SO. Raises as login().

        Some modules (OpenSC) take any SO PIN here and find a wrong one only in C_InitPIN: that this returns
        proves nothing.
        """
        self._refuse_last_try(TokenFlag.SO_PIN_FINAL_TRY, consent_to_last_try)
        return self._login(UserType.SO, so_pin)

    def require_user_tries(self, *, consent_to_last_try: bool) -> None:
        """Raises LastTryNeedsConsent when the user's PIN has one try left and nobody consents to it."""
        self._refuse_last_try(TokenFlag.USER_PIN_FINAL_TRY, consent_to_last_try)

    def reinitialise(self, so_pin: str, label: str) -> None:
        """C_InitToken on a token in use: everything in it is erased. Needs its present SO PIN.

        Raises PinIncorrect, SessionExists. Its serial may change.
        """
        self._state.check()
        self._native.init_token(self._slot.slot_id, so_pin, label)

    def close_all_sessions(self) -> None:
        """C_CloseAllSessions: every session of this process ends, and its login."""
        self._state.check()
        self._native.close_all_sessions(self._slot.slot_id)

    def _open(self, read_write: bool) -> pkcs11.types.Session:
        self._state.check()
        with translated("C_OpenSession"):
            return self._slot.get_token().open(rw=read_write)

    def _login(self, user: UserType, pin: str) -> Session:
        session = self._open(read_write=True)
        handle = session.handle  # type: ignore[attr-defined]  # the stubs leave it out
        try:
            self._refuse_second_login(handle, user)
            self._native.login(handle, user, pin)
        except BaseException:
            _close(session)
            raise
        return Session(session, self._state, lambda: self._logout_and_close(session, handle), lambda: pin)

    def _refuse_last_try(self, flag: TokenFlag, is_agreed: bool) -> None:
        if not is_agreed and flag in self.info.flags:
            raise errors.LastTryNeedsConsent(
                "One try is left before the card locks. Use it only when a second person agrees."
            )

    def _refuse_second_login(self, handle: int, user: UserType) -> None:
        state = self._native.session_state(handle)
        if state is SessionState.RW_PUBLIC:
            return
        same = state is (SessionState.RW_SO if user is UserType.SO else SessionState.RW_USER)
        raise errors.UserAlreadyLoggedIn("C_Login") if same else errors.AnotherUserAlreadyLoggedIn("C_Login")

    def _logout_and_close(self, session: pkcs11.types.Session, handle: int) -> None:
        with suppress(errors.UserNotLoggedIn, errors.SessionHandleInvalid, errors.CryptokiNotInitialized):
            self._native.logout(handle)
        _close(session)


def _close(session: pkcs11.types.Session) -> None:
    """A session that ended by itself, or with the module, is as good as closed."""
    with (
        suppress(errors.SessionHandleInvalid, errors.CryptokiNotInitialized),
        translated("C_CloseSession"),
    ):
        session.close()


def _token_info(native: NativeTokenInfo) -> TokenInfo:
    return TokenInfo(
        label=_text(native.label),
        serial=_text(native.serialNumber),
        manufacturer=_text(native.manufacturerID),
        model=_text(native.model),
        flags=TokenFlag(native.flags),
        pin_minimum=native.ulMinPinLen,
        pin_maximum=native.ulMaxPinLen,
        session_count=_count(native.ulSessionCount),
        rw_session_count=_count(native.ulRwSessionCount),
    )


def _text(padded: bytes) -> str:
    return padded.decode("utf-8", errors="replace").rstrip()


def _count(value: int) -> int | None:
    """CK_UNAVAILABLE_INFORMATION is all ones."""
    return None if value in {0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF} else value
