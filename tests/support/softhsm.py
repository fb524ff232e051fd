"""A fresh SoftHSM folder and token for each test, and the check that no session is left open.

Use the fixtures by importing them into a conftest.py: ``softhsm`` gives the module loaded in this process,
``token_folder`` a personalised token that no process has loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cryptoki import (
    DEFAULT_MODULE,
    Module,
    SigningSession,
    Token,
    open_signing_session,
    prepare_softhsm_folder,
)

SO_PIN = "security-officer-5150"
PIN = "271828"
LABEL = "Trial token"


@dataclass(frozen=True)
class TokenFolder:
    """A personalised token in a folder of its own."""

    folder: Path
    conf: Path
    label: str = LABEL
    so_pin: str = SO_PIN
    pin: str = PIN

    @property
    def pin_file(self) -> Path:
        """The user PIN, readable by the owner only."""
        return self.folder / "pin"

    @property
    def lock_file(self) -> Path:
        """The lock that every process with this token takes."""
        return self.folder / "token.lock"

    def load(self) -> Module:
        """The module, loaded in this process."""
        return Module.load(DEFAULT_MODULE, softhsm_conf=self.conf)

    def signing_session(self, sessions: int = 4) -> SigningSession:
        """Log in as a service does."""
        return open_signing_session(
            DEFAULT_MODULE, self.conf, self.label, self.pin_file, self.lock_file, sessions=sessions
        )


@dataclass(frozen=True)
class LoadedToken(TokenFolder):
    """A personalised token whose module is loaded in this process."""

    module: Module | None = None

    @property
    def token(self) -> Token:
        """The token, found by label."""
        assert self.module is not None
        return self.module.find_token(label=self.label)


def make_token_folder(folder: Path) -> TokenFolder:
    """Initialise and personalise a token in the folder, and let the module go again."""
    made = TokenFolder(folder, prepare_softhsm_folder(folder))
    made.pin_file.write_text(made.pin + "\n")
    made.pin_file.chmod(0o600)
    with made.load() as module:
        token = module.init_token(made.label, made.so_pin)
        with token.login_so(made.so_pin) as session:
            session.init_pin(made.pin)
    return made


@pytest.fixture
def token_folder(tmp_path: Path) -> TokenFolder:
    """A personalised token that no process has loaded."""
    return make_token_folder(tmp_path / "softhsm")


@pytest.fixture
def softhsm(token_folder: TokenFolder) -> Iterator[LoadedToken]:
    """A personalised token, loaded; afterwards no session may be open (C_InitToken would refuse)."""
    with token_folder.load() as module:
        loaded = LoadedToken(token_folder.folder, token_folder.conf, module=module)
        token = loaded.token
        yield loaded
        token.reinitialise(loaded.so_pin, "no session is open")
