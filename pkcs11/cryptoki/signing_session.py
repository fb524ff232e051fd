"""The keys of a service: log in once, then only sign, from many threads.

SoftHSM breaks when processes log in and out of one token while others use it (measured: with a login for
each operation most calls fail; with one login for each process none of 63,545 did). So login and logout
happen under a file lock, once in a process, and signing goes through a pool of plain sessions that share the
login.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self

from pkcs11 import Mechanism

from cryptoki import errors
from cryptoki.key_spec import KeySpec, KeyUsage
from cryptoki.module import Module
from cryptoki.private_keys import PrivateKey, private_key_of
from cryptoki.session import KeyPair, Session, SessionKey
from cryptoki.token import Token

_DEFAULT_SESSIONS: Final = 4


def open_signing_session(
    module_path: str | Path,
    softhsm_conf: Path | None,
    token_label: str,
    pin_file: Path,
    lock_file: Path,
    *,
    sessions: int = _DEFAULT_SESSIONS,
) -> SigningSession:
    """Load the module in this process and log in to the token.

    ``pin_file`` holds the user PIN (0600), ``lock_file`` is the lock that every process of this token takes,
    ``sessions`` is how many signatures run at once. Raises PinFileNotUsable, TokenNotFound, PinIncorrect, ...
    """
    pin = read_pin_file(pin_file)
    with _locked(lock_file):
        module = Module.load(module_path, softhsm_conf=softhsm_conf)
        try:
            token = module.find_token(label=token_label)
            return SigningSession(module, token, token.login(pin), lock_file, sessions)
        except BaseException:
            module.finalize()
            raise


def read_pin_file(path: Path) -> str:
    """The PIN in the file, without the line end. Raises PinFileNotUsable when others may read the file."""
    try:
        mode = path.stat().st_mode
        pin = path.read_text().strip()
    except OSError as error:
        raise errors.PinFileNotUsable(f"The PIN file {path} cannot be read: {error.strerror}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise errors.PinFileNotUsable(f"Other users may read the PIN file {path}; run chmod 600 on it.")
    if not pin:
        raise errors.PinFileNotUsable(f"The PIN file {path} is empty.")
    return pin


class SigningSession:
    """A login shared by a pool of sessions. Thread-safe. Made by open_signing_session."""

    def __init__(self, module: Module, token: Token, login: Session, lock_file: Path, sessions: int) -> None:
        self._module = module
        self._login = login
        self._lock_file = lock_file
        self._generating = Lock()
        self._sessions = sessions
        self._closing = False
        self._keys: dict[str, PrivateKey] = {}
        self._pool: SimpleQueue[_PooledSession] = SimpleQueue()
        for _ in range(sessions):
            self._pool.put(_PooledSession(token.open()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wait for signatures under way, then log out and finalise the module. Twice does nothing.

        Keys of a closed session refuse with CryptokiNotInitialized.
        """
        self._closing = True
        with self._generating, self._nobody_signs(), _locked(self._lock_file):
            self._login.close()
            self._module.finalize()

    def has_key(self, label: str) -> bool:
        """Whether the token holds a private key of that label."""
        return self._login.has_private_key(label=label)

    def generate(self, spec: KeySpec, label: str, usage: KeyUsage = KeyUsage.SIGN) -> PrivateKey:
        """Make a key in the token; its label is also its CKA_ID. Raises ObjectAlreadyExists."""
        with self._generating:
            pair: KeyPair = self._login.generate_key_pair(
                spec, cka_id=label.encode(), label=label, usage=usage
            )
        return private_key_of(_PooledKey(self, label), pair.public_key)

    def private_key(self, label: str) -> PrivateKey:
        """The private key of that label, for any thread; searched for once. Raises ObjectNotFound."""
        if label not in self._keys:
            with self.borrowed() as pooled:
                public_key = pooled.session.private_key(label=label).public_key()
            self._keys[label] = private_key_of(_PooledKey(self, label), public_key)
        return self._keys[label]

    @contextmanager
    def _nobody_signs(self) -> Iterator[None]:
        """Hold every session of the pool: a module that is finalised during a call may crash."""
        held = [self._pool.get() for _ in range(self._sessions)]
        try:
            yield
        finally:
            for pooled in held:
                self._pool.put(pooled)

    @contextmanager
    def borrowed(self) -> Iterator[_PooledSession]:
        """A session of the pool for one operation; waits until one is free."""
        pooled = self._pool.get()
        try:
            if self._closing:
                raise errors.CryptokiNotInitialized("C_Sign")
            yield pooled
        finally:
            self._pool.put(pooled)


class _PooledSession:
    """A session and the key objects that it has found: looking a key up costs more than signing with it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._keys: dict[str, SessionKey] = {}

    def key(self, label: str) -> SessionKey:
        if label not in self._keys:
            self._keys[label] = self.session.token_key(label)
        return self._keys[label]


class _PooledKey:
    """A key by label, used in whichever session of the pool is free (a TokenKey)."""

    def __init__(self, owner: SigningSession, label: str) -> None:
        self._owner = owner
        self._label = label

    def sign(self, data: bytes, mechanism: Mechanism, parameter: Any = None) -> bytes:
        with self._owner.borrowed() as pooled:
            return pooled.key(self._label).sign(data, mechanism, parameter)

    def decrypt(self, data: bytes, mechanism: Mechanism, parameter: Any = None) -> bytes:
        with self._owner.borrowed() as pooled:
            return pooled.key(self._label).decrypt(data, mechanism, parameter)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """An exclusive lock on the file between processes (flock(2)); it goes when the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
