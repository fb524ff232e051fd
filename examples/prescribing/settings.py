"""The relying party's settings: one TOML file, checked at start."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
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
    kinds = {each.name: str(each.type) for each in fields(Settings)}
    for name in kinds.keys() ^ document.keys():
        raise SettingsNotUsable(f"{file}: {name} is {'unknown' if name in document else 'missing'}")
    values: dict[str, Any] = {name: _value(file, name, kind, document[name]) for name, kind in kinds.items()}
    return Settings(**values)


def _value(file: Path, name: str, kind: str, value: object) -> object:
    if kind == "int" and not isinstance(value, int):
        raise SettingsNotUsable(f"{file}: {name} must be a number")
    if kind != "int" and not isinstance(value, str):
        raise SettingsNotUsable(f"{file}: {name} must be text")
    return file.parent / str(value) if kind == "Path" else value
