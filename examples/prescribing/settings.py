"""The relying party's settings: one TOML file, checked at start."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any


class SettingsNotUsable(ValueError):
    """A setting is missing, unknown or of the wrong kind; the message names it."""


@dataclass(frozen=True)
class Settings:
    """How this service is reached, and how it reaches the OpenID provider.

    Attributes:
        origin: what browsers write, e.g. ``https://127.0.0.1:8444``.
        issuer: the provider's issuer identifier.
        private_key_file: EC private key, PEM; its public half is registered with the provider.
        ca_file: the authority of the provider's TLS certificate.
        session_key_file: signs cookies; made at first start.
        agent_origin: the card agent on the machine of whoever sits before the browser.
        verification_key_file: the API key for the provider's verification of signatures.
    """

    origin: str
    listen: str
    port: int
    issuer: str
    client_id: str
    private_key_file: Path
    ca_file: Path
    tls_certificate: Path
    tls_key: Path
    session_key_file: Path
    agent_origin: str = "http://127.0.0.1:24727"
    verification_key_file: Path = Path("verification.key")

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to."""
        return f"{self.origin}/signed-in"

    @property
    def signed_out_uri(self) -> str:
        """Where the provider sends people after signing out."""
        return f"{self.origin}/"


def load(file: Path) -> Settings:
    """Read the file. Relative paths begin at its folder.

    Raises:
        SettingsNotUsable
    """
    document = tomllib.loads(file.read_text())
    known = {each.name: each for each in fields(Settings)}
    given = {name: each.default for name, each in known.items() if each.default is not MISSING} | document
    for name in known.keys() ^ given.keys():
        raise SettingsNotUsable(f"{file}: {name} is {'unknown' if name in document else 'missing'}")
    values = {name: _value(file, name, str(each.type), given[name]) for name, each in known.items()}
    return Settings(**values)


def _value(file: Path, name: str, kind: str, value: object) -> Any:
    if kind == "int" and not isinstance(value, int):
        raise SettingsNotUsable(f"{file}: {name} must be a number")
    if kind != "int" and not isinstance(value, str | Path):
        raise SettingsNotUsable(f"{file}: {name} must be text")
    return file.parent / str(value) if kind == "Path" else value
