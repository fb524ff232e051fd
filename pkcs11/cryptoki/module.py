"""A PKCS#11 module: the library file, loaded and initialised for many threads."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from types import TracebackType
from typing import Final, Self

import pkcs11._pkcs11
import pkcs11.types

from cryptoki import errors
from cryptoki.key_spec import KeyTemplate
from cryptoki.module_state import ModuleState
from cryptoki.native import NativeLibrary
from cryptoki.return_values import translated
from cryptoki.token import Token

# Which process initialised which module file: after a fork the child inherits a state that is not its own.
_owners: Final[dict[Path, int]] = {}
_owners_lock: Final = Lock()


@dataclass(frozen=True)
class Slot:
    """A slot, with the token in it if there is one (initialised or not)."""

    slot_id: int
    description: str
    token: Token | None


class Module:
    """One module in one process. Load it after forking; finalise it, or use it in a ``with`` block."""

    def __init__(self, path: Path, native: NativeLibrary, template: KeyTemplate) -> None:
        self._path = path
        self._state = ModuleState(native, template, self._check, RLock())
        self._process = os.getpid()
        self._finalised = False
        # Without __init__, which would call C_Initialize(NULL); __new__ alone loads the function list.
        self._library = pkcs11._pkcs11.lib.__new__(pkcs11._pkcs11.lib, str(path))  # type: ignore[call-arg]

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        softhsm_conf: Path | None = None,
        template: KeyTemplate | None = None,
    ) -> Module:
        """Load and initialise the module with OS locking.

        ``softhsm_conf`` is SoftHSM's configuration file, which it reads at initialisation; ``template`` holds
        the module's quirks. Raises ModuleNotUsable, and ModuleInUse when this process has loaded it already.
        """
        path = Path(path)
        native = NativeLibrary(path)
        if softhsm_conf is not None:
            os.environ["SOFTHSM2_CONF"] = str(softhsm_conf)
        with _owners_lock:
            _initialise(path, native)
        module = cls(path, native, template or KeyTemplate())
        # Modules crash when the libraries that they use are torn down before them (SoftHSMv2 issue 635).
        atexit.register(module.finalize)
        return module

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finalize()

    def finalize(self) -> None:
        """C_Finalize: every session and login of this process ends. Twice does nothing."""
        if self._finalised or self._process != os.getpid():
            return
        self._finalised = True
        atexit.unregister(self.finalize)
        with _owners_lock:
            _owners.pop(self._path, None)
            self._state.native.finalize()

    def slots(self) -> list[Slot]:
        """Every slot that holds a token, initialised or not."""
        self._check()
        with translated("C_GetSlotList"):
            slots = self._library.get_slots(token_present=True)
        return [Slot(slot.slot_id, slot.slot_description, self._token(slot)) for slot in slots]

    def tokens(self) -> list[Token]:
        """The initialised tokens."""
        return [slot.token for slot in self.slots() if slot.token and slot.token.info.initialised]

    def find_token(self, *, label: str | None = None, serial: str | None = None) -> Token:
        """The token with that label and serial, as far as given. Raises TokenNotFound, SeveralTokensFound."""
        found = [token for token in self.tokens() if _answers(token, label, serial)]
        sought = f"label {label!r}" if serial is None else f"serial {serial!r}"
        if not found:
            raise errors.TokenNotFound(f"{self._path.name} shows no token with {sought}.")
        if len(found) > 1:
            raise errors.SeveralTokensFound(f"{self._path.name} shows {len(found)} tokens with {sought}.")
        return found[0]

    def init_token(self, label: str, so_pin: str) -> Token:
        """C_InitToken in the first slot whose token is blank. Raises TokenNotFound when there is none."""
        blank = [slot for slot in self.slots() if slot.token and not slot.token.info.initialised]
        if not blank or blank[0].token is None:
            raise errors.TokenNotFound(f"{self._path.name} has no slot with a blank token.")
        blank[0].token.reinitialise(so_pin, label)
        return blank[0].token

    def _token(self, slot: pkcs11.types.Slot) -> Token:
        return Token(slot, self._state)

    def _check(self) -> None:
        if self._process != os.getpid():
            raise errors.ModuleOfAnotherProcess(
                f"{self._path.name} was loaded before this process was forked; load it again here."
            )
        if self._finalised:
            raise errors.CryptokiNotInitialized(self._path.name)


def _initialise(path: Path, native: NativeLibrary) -> None:
    owner = _owners.get(path)
    if owner == os.getpid():
        raise errors.ModuleInUse(f"{path.name} is loaded in this process already; finalise it first.")
    if owner is not None:
        # Inherited through a fork: this process' copy of the state goes, the parent's stays.
        with suppress(errors.CryptokiNotInitialized):
            native.finalize()
    native.initialize()
    _owners[path] = os.getpid()


def _answers(token: Token, label: str | None, serial: str | None) -> bool:
    info = token.info
    return (label is None or info.label == label) and (serial is None or info.serial == serial)
