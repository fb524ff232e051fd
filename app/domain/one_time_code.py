"""One-time codes with which a holder alone unlocks their card: sent, or made by an authenticator app."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import pyotp

from app.errors import Refusal

CODE_LASTS = timedelta(minutes=15)
MOST_TRIES = 3
_DIGITS = 8
_TIME_STEP_SECONDS = 30
_STEPS_EITHER_SIDE = 1
_AUTHENTICATOR_CODE = re.compile(r"[0-9]{6}", re.ASCII)


class Channel(StrEnum):
    """How a code comes to its holder."""

    EMAIL = "email"
    TEXT = "text"


class CodeNotAccepted(Refusal):
    """The code is wrong, used, too old, or never was sent: from outside these are one."""

    code = "code_not_accepted"


class AuthenticatorNotSetUp(Refusal):
    """The code of the authenticator app that is being set up is wrong."""

    code = "authenticator_not_set_up"


@dataclass(frozen=True)
class UnlockCode:
    """A code that was sent, as it is stored: never the code itself.

    Attributes:
        request_hash: SHA-256 of what the asking browser holds, hexadecimal: nobody else can try the code.
        mac: keyed hash of the code, hexadecimal; eight digits alone could be tried out.
    """

    request_hash: str
    uid: str
    card_serial: str
    channel: Channel
    mac: str
    expires_at: datetime


@dataclass(frozen=True)
class Authenticator:
    """Somebody's authenticator app, as it is stored.

    Attributes:
        sealed_secret: encrypted with the service's key.
        confirmed_at: when a first code showed that the app has the secret; None until then.
        last_step: the time step of the last code that was accepted: none is accepted twice (RFC 6238 5.2).
    """

    uid: str
    sealed_secret: bytes
    enrolled_at: datetime
    confirmed_at: datetime | None
    last_step: int


def new_code() -> str:
    """Eight random digits."""
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"


def typed_code(text: str) -> str:
    """The digits of a code as somebody typed it."""
    return re.sub(r"[\s-]", "", text)


def new_authenticator_secret() -> str:
    """160 random bits in base32, as RFC 4226 section 4 recommends."""
    return pyotp.random_base32()


def accepted_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step (RFC 6238) whose code this is: the present one, or the one before or after it."""
    if not _AUTHENTICATOR_CODE.fullmatch(code):
        return None
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // _TIME_STEP_SECONDS
    for step in range(present - _STEPS_EITHER_SIDE, present + _STEPS_EITHER_SIDE + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code):
            return step
    return None


def provisioning_uri(secret: str, uid: str, issuer: str) -> str:
    """What the QR code says: ``otpauth://totp/...``."""
    return pyotp.TOTP(secret).provisioning_uri(name=uid, issuer_name=issuer)
