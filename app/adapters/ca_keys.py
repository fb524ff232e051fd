"""The certificate authority's keys in its PKCS#11 token, through ``cryptoki``."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

import cryptoki
from app.ca.ports import DecryptionKey, PublicKey, SigningKey
from app.ca.refusals import CeremonyNotHeld
from app.domain.certificate_profile import KeyType
from app.errors import Unavailable
from cryptoki import KeySpec, KeyUsage, Module, SigningSession
from cryptoki.errors import CryptokiError, TokenError, TokenNotFound

PIN_DIGITS = 16
LOCK_FILE = "token.lock"
# SoftHSM says no more than a general error of what it cannot unpad.
_NOT_OF_THIS_KEY = {"CKR_ENCRYPTED_DATA_INVALID", "CKR_ENCRYPTED_DATA_LEN_RANGE", "CKR_GENERAL_ERROR"}


class TokenPlace(Protocol):
    """Where a token is: of the certificate authority's keys (``CaSettings``), or of the root's."""

    @property
    def folder(self) -> Path:
        """Holds the lock that processes of the token take."""

    @property
    def softhsm_conf(self) -> Path | None:
        """None for a module that is not SoftHSM."""

    @property
    def module(self) -> Path:
        """The PKCS#11 module."""

    @property
    def token_label(self) -> str:
        """The token's label."""

    @property
    def pin_file(self) -> Path:
        """Holds the user PIN (0600)."""


class TokenKeys:
    """Keys by their labels in an open token (``app.ca.ports.SigningKeys``)."""

    def __init__(self, session: SigningSession) -> None:
        self._session = session

    def has(self, label: str) -> bool:
        """Whether a key with this label is in the token."""
        with token_errors_named():
            return self._session.has_key(label)

    def key(self, label: str) -> SigningKey:
        """The key with this label; it signs in the token."""
        with token_errors_named():
            key = self._session.private_key(label)
        assert isinstance(key, SigningKey), "every kind of key in a token signs"
        return key

    def generate(self, label: str, key_type: KeyType) -> SigningKey:
        """Make a signing key."""
        with token_errors_named():
            self._session.generate(KeySpec(key_type.value), label)
        return self.key(label)

    def generate_for_decryption(self, label: str, key_type: KeyType) -> None:
        """Make a key that only decrypts."""
        with token_errors_named():
            self._session.generate(KeySpec(key_type.value), label, KeyUsage.DECRYPT)

    def decryption_key(self, label: str) -> DecryptionKey:
        """The key with this label; it decrypts in the token."""
        return _TokenDecryption(self._session, label)

    def public_key(self, label: str) -> PublicKey:
        """The public half of the key with this label."""
        return self.key(label).public_key()


class _TokenDecryption:
    """An RSA key that decrypts in the token (``app.ca.ports.DecryptionKey``)."""

    def __init__(self, session: SigningSession, label: str) -> None:
        self._session = session
        self._label = label

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding, /) -> bytes:
        """The plaintext. Raises ValueError for what was not encrypted to this key."""
        key = self._session.private_key(self._label)
        assert isinstance(key, rsa.RSAPrivateKey), "the ceremony makes an RSA key"
        if len(ciphertext) != key.key_size // 8:
            raise ValueError("not of this key's length")
        try:
            return key.decrypt(ciphertext, padding)
        except TokenError as error:
            if error.ckr not in _NOT_OF_THIS_KEY:
                raise
            raise ValueError("not encrypted to this key") from error


@contextmanager
def open_token_keys(place: TokenPlace) -> Iterator[TokenKeys]:
    """Log in to the token for as long as the block lasts; other processes of the token wait their turn.

    Raises:
        CeremonyNotHeld: there is no PIN file yet.
        Unavailable: the module or token cannot be used.
    """
    if not place.pin_file.exists():
        raise CeremonyNotHeld("The certificate authority has no keys yet. Run: spine-ra ca ceremony")
    with token_errors_named():
        session = cryptoki.open_signing_session(
            place.module,
            place.softhsm_conf,
            place.token_label,
            place.pin_file,
            place.folder / LOCK_FILE,
        )
    try:
        yield TokenKeys(session)
    finally:
        with suppress(CryptokiError):
            session.close()


def make_token(place: TokenPlace) -> None:
    """Make the SoftHSM token with random PINs, unless it is there. An HSM's own tools make its token.

    The PINs are written first (0600), so that an interruption never leaves a token that nobody can open.

    Raises:
        Unavailable: the module cannot be used.
    """
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.softhsm_conf is None:
        return
    cryptoki.prepare_softhsm_folder(place.softhsm_conf.parent)
    pin, so_pin = _kept_pin(place.pin_file), _kept_pin(place.pin_file.with_name("so-pin"))
    with token_errors_named(), Module.load(place.module, softhsm_conf=place.softhsm_conf) as module:
        try:
            token = module.find_token(label=place.token_label)
        except TokenNotFound:
            token = module.init_token(place.token_label, so_pin)
        if not token.info.user_pin_initialised:
            with token.login_so(so_pin) as session:
                session.init_pin(pin)


@contextmanager
def token_errors_named() -> Iterator[None]:
    """Turn a token's errors into Unavailable; their text never holds a PIN."""
    try:
        yield
    except CryptokiError as fault:
        raise Unavailable(
            "token", f"The certificate authority's token cannot be used ({type(fault).__name__}: {fault})."
        ) from fault


def _kept_pin(path: Path) -> str:
    """The PIN in the file; a random one is written when there is none. Complete or absent, never half."""
    if not path.exists():
        temporary = path.with_name(f"{path.name}.new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("".join(secrets.choice("0123456789") for _ in range(PIN_DIGITS)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    return path.read_text().strip()
