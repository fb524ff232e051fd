"""The errors of tokens: one class for each return value that means something to a caller.

    CryptokiError
    ├── TokenError          a function did not return CKR_OK; ``ckr`` names what it returned
    │   ├── PinIncorrect, PinLocked, UserAlreadyLoggedIn, DeviceRemoved, ...
    └── ours                TokenNotFound, ObjectNotFound, KeyStaysInToken, LastTryNeedsConsent, ...

Names of return values: PKCS #11 v2.40, section 5.1. No message holds a PIN, an SO PIN or key material.
"""

from __future__ import annotations

from typing import ClassVar


class CryptokiError(Exception):
    """Base of everything that goes wrong with a token."""


class ModuleNotUsable(CryptokiError):
    """The PKCS#11 module cannot be loaded: the file is missing or is not a PKCS#11 library."""


class ModuleInUse(CryptokiError):
    """This process has initialised the module already: one module, one owner in a process."""


class ModuleOfAnotherProcess(CryptokiError):
    """The module was initialised before a fork; the child must load it for itself (PKCS #11 v2.40, 2.6.1)."""


class TokenNotFound(CryptokiError):
    """No token, or no free slot, answers to the label or serial."""


class SeveralTokensFound(CryptokiError):
    """More than one token answers to the label."""


class ObjectNotFound(CryptokiError):
    """The token holds no such object, or shows it only after login."""


class SeveralObjectsFound(CryptokiError):
    """More than one object answers to the CKA_ID or label."""


class ObjectAlreadyExists(CryptokiError):
    """A key of that CKA_ID or label lies in the token already; it is never overwritten silently."""


class PublicHalfLost(CryptokiError):
    """The card has lost the public half of a key, and its module makes no signature with it: whose it is
    can be told once its certificate is on the card.
    """


class CertificateOfAnotherKey(CryptokiError):
    """The certificate's public key is not the public key of the token's key with that CKA_ID."""


class KeyStaysInToken(CryptokiError):
    """The private key was generated in the token and cannot be exported."""


class AlgorithmNotOffered(CryptokiError):
    """The token, or this product, does not sign or decrypt in that way."""


class LastTryNeedsConsent(CryptokiError):
    """One try is left before the PIN or SO PIN locks; it is not burnt without a second person's consent."""


class NotThisKindOfCard(CryptokiError):
    """The kind of card does not offer the operation: its card profile says so."""


class PinFileNotUsable(CryptokiError):
    """The file with the PIN is missing, empty, or readable by other users."""


class InvalidCardProfile(CryptokiError):
    """A card profile has an unknown key or a value that cannot be."""


class TokenError(CryptokiError):
    """A PKCS#11 function returned something other than CKR_OK.

    ``function`` is the PKCS#11 function or the step, ``ckr`` the name of the return value.
    """

    ckr: str = "CKR_GENERAL_ERROR"
    sentence: ClassVar[str] = "The token refused the operation."

    def __init__(self, function: str, ckr: str | None = None) -> None:
        self.function = function
        self.ckr = ckr or type(self).ckr
        super().__init__(f"{function}: {self.ckr}. {self.sentence}")


class PinIncorrect(TokenError):
    """The PIN or SO PIN is wrong. ``tries_left`` is known when the card counts."""

    ckr = "CKR_PIN_INCORRECT"
    sentence = "The PIN is wrong."

    def __init__(self, function: str, ckr: str | None = None, *, tries_left: int | None = None) -> None:
        super().__init__(function, ckr)
        self.tries_left = tries_left


class PinInvalid(TokenError):
    """The new PIN has characters that the token does not take."""

    ckr = "CKR_PIN_INVALID"
    sentence = "The token does not take these characters in a PIN."


class PinLenRange(TokenError):
    """The PIN is shorter or longer than the token takes."""

    ckr = "CKR_PIN_LEN_RANGE"
    sentence = "The PIN is too short or too long."


class PinExpired(TokenError):
    """The PIN must be changed before it can be used."""

    ckr = "CKR_PIN_EXPIRED"
    sentence = "The PIN has expired; change it first."


class PinLocked(TokenError):
    """Too many wrong tries: the PIN is locked until the SO PIN unblocks it."""

    ckr = "CKR_PIN_LOCKED"
    sentence = "The PIN is locked; it must be unblocked with the SO PIN."


class UserPinNotInitialized(TokenError):
    """No user PIN was ever set: the token has not been personalised."""

    ckr = "CKR_USER_PIN_NOT_INITIALIZED"
    sentence = "The token has no user PIN yet."


class OperationActive(TokenError):
    """Something was begun in this session and not ended."""

    ckr = "CKR_OPERATION_ACTIVE"
    sentence = "Something else was begun before."


class UserAlreadyLoggedIn(TokenError):
    """This process is logged in to the token already, so the PIN was not tried.

    Login belongs to the process and not to the session (PKCS #11 v2.40, 2.6.2), so a second login would prove
    nothing.
    """

    ckr = "CKR_USER_ALREADY_LOGGED_IN"
    sentence = "This process is logged in to the token already; the PIN was not tried."


class AnotherUserAlreadyLoggedIn(TokenError):
    """The SO is logged in while the user logs in, or the other way round."""

    ckr = "CKR_USER_ANOTHER_ALREADY_LOGGED_IN"
    sentence = "This process is logged in to the token in the other role; the PIN was not tried."


class UserNotLoggedIn(TokenError):
    """The operation needs a login."""

    ckr = "CKR_USER_NOT_LOGGED_IN"
    sentence = "Log in to the token first."


class SessionExists(TokenError):
    """The token cannot be initialised while sessions are open."""

    ckr = "CKR_SESSION_EXISTS"
    sentence = "Sessions with the token are still open."


class SessionReadOnlyExists(TokenError):
    """The SO cannot log in while a read-only session is open."""

    ckr = "CKR_SESSION_READ_ONLY_EXISTS"
    sentence = "A read-only session with the token is still open."


class SessionHandleInvalid(TokenError):
    """The session was closed, the card was taken out, or the module was initialised again."""

    ckr = "CKR_SESSION_HANDLE_INVALID"
    sentence = "The session with the token has ended."


class SlotIdInvalid(TokenError):
    """The slot is gone."""

    ckr = "CKR_SLOT_ID_INVALID"
    sentence = "The slot is not there any more."


class TokenNotPresent(TokenError):
    """The card was taken out of the reader."""

    ckr = "CKR_TOKEN_NOT_PRESENT"
    sentence = "There is no card in the reader."


class DeviceRemoved(TokenError):
    """The card or reader was pulled out during the operation."""

    ckr = "CKR_DEVICE_REMOVED"
    sentence = "The card was taken out during the operation."


class DeviceMemory(TokenError):
    """The token is full."""

    ckr = "CKR_DEVICE_MEMORY"
    sentence = "The token has no room left."


class GeneralError(TokenError):
    """The token or its module failed without saying why."""

    sentence = "The token failed without saying why."


class FunctionNotSupported(TokenError):
    """The module does not have this function."""

    ckr = "CKR_FUNCTION_NOT_SUPPORTED"
    sentence = "The module does not offer this function."


class KeyFunctionNotPermitted(TokenError):
    """The key's usage attributes do not allow the operation."""

    ckr = "CKR_KEY_FUNCTION_NOT_PERMITTED"
    sentence = "The key was not made for this use."


class MechanismInvalid(TokenError):
    """The module does not offer the mechanism."""

    ckr = "CKR_MECHANISM_INVALID"
    sentence = "The module does not offer this algorithm."


class TokenWriteProtected(TokenError):
    """The token takes no changes."""

    ckr = "CKR_TOKEN_WRITE_PROTECTED"
    sentence = "The token takes no changes."


class AttributeSensitive(TokenError):
    """The attribute holds key material that does not leave the token."""

    ckr = "CKR_ATTRIBUTE_SENSITIVE"
    sentence = "The attribute does not leave the token."


class CryptokiNotInitialized(TokenError):
    """The module was finalised."""

    ckr = "CKR_CRYPTOKI_NOT_INITIALIZED"
    sentence = "The module has been finalised."


class CryptokiAlreadyInitialized(TokenError):
    """Something else in this process has initialised the module."""

    ckr = "CKR_CRYPTOKI_ALREADY_INITIALIZED"
    sentence = "The module is initialised already."
