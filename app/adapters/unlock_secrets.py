"""The key for one-time codes and authenticator secrets: a file, from which two keys are derived."""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import Unavailable

_NONCE_BYTES = 12
_LEAST_BYTES = 32


class FileUnlockSecrets:
    """``app.ra.unlocking_by_code.UnlockSecrets``: AES-256-GCM and HMAC-SHA-256."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(_derived(key, b"spine-ra/authenticators/1"))
        self._mac_key = _derived(key, b"spine-ra/unlock-codes/1")

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """The key in the file, of 32 octets or more.

        Raises:
            Unavailable: it cannot be read, or is too short.
        """
        try:
            key = path.read_bytes().strip()
        except OSError as fault:
            raise Unavailable("unlock key", f"{path} cannot be read: {fault.strerror}.") from fault
        if len(key) < _LEAST_BYTES:
            raise Unavailable("unlock key", f"{path} must hold 32 octets or more of random text.")
        return cls(key)

    def seal(self, plaintext: bytes) -> bytes:
        """Nonce and ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, None)

    def unseal(self, sealed: bytes) -> bytes:
        """The plaintext. Raises ValueError when it was changed or sealed with another key."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except InvalidTag as error:
            raise ValueError("not sealed with this key") from error

    def mac(self, text: str) -> str:
        """HMAC-SHA-256, hexadecimal."""
        return hmac.new(self._mac_key, text.encode(), sha256).hexdigest()


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(key)
