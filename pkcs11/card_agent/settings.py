"""The agent's settings: one TOML file, checked when the agent starts (config/agent.example.toml).

A relative path in the file is relative to the folder of the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

import cryptoki
from card_agent.errors import SettingsUnusable

_KNOWN = {
    "listen": {"port"},
    "desk": {"folder"},
    "cards": {"profiles"},
    "site": {"origin", "name", "ca_file", "may_ask", "so_pin_escrow_key_file"},
}
SOFTWARE_PROFILE = "softhsm"
"""The profile of the cards that lie in the desk's folder, in no reader of this computer."""


class Ask(StrEnum):
    """What a site may ask a person for at this agent."""

    SIGN_IN = "sign-in"
    JOBS = "jobs"
    SIGNATURES = "signatures"


@dataclass(frozen=True)
class Site:
    """A site that may send browsers here, for what ``may_ask`` says.

    ``origin`` is ``https://host[:port]`` without a slash at the end; ``ca_file`` is a PEM file with the
    trust anchors of its TLS certificate. ``so_pin_escrow_key`` is the only key to which SO PINs of its cards
    are encrypted; None for whichever the site sends.
    """

    origin: str
    name: str
    ca_file: Path
    may_ask: frozenset[Ask] = frozenset({Ask.SIGN_IN, Ask.JOBS})
    so_pin_escrow_key: rsa.RSAPublicKey | None = None


@dataclass(frozen=True)
class AgentSettings:
    """Everything the agent is told at start. Port 0 lets the system choose a free port.

    ``desk_folder`` is where cards in software are kept; None when every card is real. ``card_profiles`` are
    the kinds of card that this agent works with; the first one that drives a card is used.
    ``workstation_file`` keeps this computer's key for unlocking without network, beside the settings.
    """

    port: int
    desk_folder: Path | None
    sites: tuple[Site, ...]
    card_profiles: tuple[str, ...] = (SOFTWARE_PROFILE,)
    workstation_file: Path = Path("workstation.json")

    @property
    def authorities(self) -> tuple[Site, ...]:
        """Return the sites of registration authorities: those whose people sign in here."""
        return tuple(site for site in self.sites if Ask.SIGN_IN in site.may_ask)

    @property
    def uses_readers(self) -> bool:
        """Say whether the cards lie in readers of this computer (PC/SC)."""
        return SOFTWARE_PROFILE not in self.card_profiles


def load(path: Path) -> AgentSettings:
    """Return the settings in the TOML file at ``path``.

    Raises SettingsUnusable with a sentence that names the key.
    """
    table = _read(path)
    _refuse_unknown_keys(path, table)
    base = path.resolve().parent
    sites = table.get("site")
    if not isinstance(sites, list) or not sites:
        raise SettingsUnusable(f"{path}: add at least one [[site]] with origin, name and ca_file.")
    profiles = _profiles(path, table)
    return AgentSettings(
        port=_port(path, table),
        desk_folder=_desk_folder(path, base, table, SOFTWARE_PROFILE in profiles),
        sites=tuple(_site(path, base, site) for site in sites),
        card_profiles=profiles,
        workstation_file=base / "workstation.json",
    )


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsUnusable(f"{path} cannot be read: {error}") from error


def _refuse_unknown_keys(path: Path, table: Mapping[str, object]) -> None:
    for name, value in table.items():
        if name not in _KNOWN:
            raise SettingsUnusable(f"{path}: {name} is not a setting of the card agent.")
        for section in value if isinstance(value, list) else [value]:
            unknown = set(section) - _KNOWN[name] if isinstance(section, dict) else {"(not a table)"}
            if unknown:
                raise SettingsUnusable(
                    f"{path}: {name}.{sorted(unknown)[0]} is not a setting of the card agent."
                )


def _section(path: Path, table: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = table.get(name)
    if not isinstance(section, dict):
        raise SettingsUnusable(f"{path}: the section [{name}] is missing.")
    return section


def _port(path: Path, table: Mapping[str, object]) -> int:
    port = _section(path, table, "listen").get("port")
    if type(port) is not int or not 0 <= port <= 65535:
        raise SettingsUnusable(f"{path}: listen.port must be a whole number from 0 to 65535.")
    return port


def _profiles(path: Path, table: Mapping[str, object]) -> tuple[str, ...]:
    if "cards" not in table:
        return (SOFTWARE_PROFILE,)
    named = _section(path, table, "cards").get("profiles")
    known = _known_profiles(path)
    if not isinstance(named, list) or not named or not all(name in known for name in named):
        raise SettingsUnusable(
            f"{path}: cards.profiles must be a list of one or more of these: {', '.join(known)}."
        )
    if SOFTWARE_PROFILE in named and len(named) > 1:
        raise SettingsUnusable(
            f"{path}: cards.profiles: {SOFTWARE_PROFILE} cards lie in a folder and the others in readers. "
            "Name either, not both."
        )
    return tuple(named)


def _known_profiles(path: Path) -> list[str]:
    try:
        return list(cryptoki.load_card_profiles())
    except cryptoki.errors.CryptokiError as error:
        raise SettingsUnusable(f"{path}: cards.profiles cannot be checked: {error}") from error


def _desk_folder(path: Path, base: Path, table: Mapping[str, object], is_needed: bool) -> Path | None:
    if "desk" not in table and not is_needed:
        return None
    return base / _text(path, _section(path, table, "desk"), "desk.folder")


def _text(path: Path, section: Mapping[str, object], key: str) -> str:
    value = section.get(key.rpartition(".")[2])
    if not isinstance(value, str) or not value:
        raise SettingsUnusable(f"{path}: {key} is missing or is not text.")
    return value


def _site(path: Path, base: Path, section: Mapping[str, object]) -> Site:
    origin = _text(path, section, "site.origin")
    if not is_origin(origin):
        raise SettingsUnusable(
            f"{path}: site.origin must be https://host or https://host:port in small letters, "
            f"without a slash at the end; it is {origin!r}."
        )
    ca_file = base / _text(path, section, "site.ca_file")
    if not ca_file.is_file():
        raise SettingsUnusable(f"{path}: site.ca_file: there is no file {ca_file}.")
    name, escrow_key = _text(path, section, "site.name"), _escrow_key(path, base, section)
    return Site(origin, name, ca_file, _may_ask(path, section), escrow_key)


def _escrow_key(path: Path, base: Path, section: Mapping[str, object]) -> rsa.RSAPublicKey | None:
    if "so_pin_escrow_key_file" not in section:
        return None
    file = base / _text(path, section, "site.so_pin_escrow_key_file")
    try:
        key = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise SettingsUnusable(
            f"{path}: site.so_pin_escrow_key_file: {file} cannot be read: {error}"
        ) from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise SettingsUnusable(f"{path}: site.so_pin_escrow_key_file: {file} holds no RSA key.")
    return key


def _may_ask(path: Path, section: Mapping[str, object]) -> frozenset[Ask]:
    named = section.get("may_ask", [Ask.SIGN_IN, Ask.JOBS])
    known = [each.value for each in Ask]
    if not isinstance(named, list) or not named or not all(name in known for name in named):
        raise SettingsUnusable(
            f"{path}: site.may_ask must be a list of one or more of these: {', '.join(known)}."
        )
    return frozenset(Ask(name) for name in named)


def is_origin(text: str) -> bool:
    """Say whether ``text`` is a serialised https origin (RFC 6454 6.2): no path, no user, small letters."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    plain = f"https://{host}" if port is None else f"https://{host}:{port}"
    return bool(host) and text == plain and port not in (0, 443)
