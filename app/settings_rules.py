"""What settings must satisfy beyond their kinds, and which of them are development stand-ins."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from app.settings import Settings

_CARD_PROFILES = Path(__file__).parents[1] / "config" / "card_profiles.toml"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_DATABASES = ("sqlite:///", "postgresql+psycopg://")
_LARGEST_PORT = 65535


def problems_of(settings: Settings) -> list[str]:
    """A sentence for each value that no environment can use."""
    origins = {
        "[service] origin": (settings.service.origin, ("https",)),
        "[openid] issuer": (settings.openid.issuer, ("https",)),
        "[look_ups] origin": (settings.look_ups.origin, ("https",)),
        "[status] origin": (settings.status.origin, ("http", "https")),
        "[agent] origin": (settings.agent.origin, ("http",)),
    }
    databases = {"[database] url": settings.database.url, "[ca] database_url": settings.ca.database_url}
    found = [_origin_problem(key, value, schemes) for key, (value, schemes) in origins.items()]
    found += [_database_problem(key, url) for key, url in databases.items()]
    found += [
        _monitoring_problem(settings),
        _agent_problem(settings),
        _port_problem(settings),
        _session_problem(settings),
        _signatures_problem(settings),
    ]
    return [sentence for sentence in found if sentence]


def _origin_problem(key: str, value: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(value)
    if parts.scheme in schemes and parts.hostname and value == f"{parts.scheme}://{parts.netloc}":
        return ""
    return f"{key}: must be {schemes[-1]}://<host>[:<port>] without a path, not {value!r}."


def _database_problem(key: str, url: str) -> str:
    if url.startswith(_DATABASES):
        has_password = urlsplit(url).password is not None
        return f"{key}: must not contain a password. Put it into ~/.pgpass." if has_password else ""
    return f"{key}: must begin with {' or '.join(_DATABASES)}, not {url.split(':')[0]!r}."


def _monitoring_problem(settings: Settings) -> str:
    if settings.monitoring.listen in _LOOPBACK or settings.monitoring.token_file is not None:
        return ""
    return "[monitoring] listen: on any address but loopback, token_file must name a file with a token."


def _agent_problem(settings: Settings) -> str:
    if not _is_loopback(settings.agent.origin):
        return "[agent] origin: must be on 127.0.0.1: the card agent serves the machine with the reader only."
    try:
        known = tomllib.loads(_CARD_PROFILES.read_text())
    except (OSError, ValueError) as error:
        return f"[agent] card_profile: {_CARD_PROFILES} cannot be read: {error}."
    if settings.agent.card_profile in known:
        return ""
    return f"[agent] card_profile: must be one of {', '.join(known)}, not {settings.agent.card_profile!r}."


def _port_problem(settings: Settings) -> str:
    ports = {"[web] port": settings.web.port, "[monitoring] port": settings.monitoring.port}
    wrong = (
        f"{key}: must be at most {_LARGEST_PORT}, not {port}."
        for key, port in ports.items()
        if port > _LARGEST_PORT
    )
    return next(wrong, "")


def _session_problem(settings: Settings) -> str:
    if settings.session.idle_minutes <= settings.session.absolute_hours * 60:
        return ""
    return "[session] idle_minutes: must not be longer than absolute_hours."


def _signatures_problem(settings: Settings) -> str:
    try:
        settings.signatures.sha1_before_moment  # noqa: B018 - reading it is the check
    except ValueError:
        return "[signatures] sha1_before: must be a day such as 2020-12-31, or empty."
    return ""


def development_stand_ins(settings: Settings) -> list[str]:
    """A sentence for each setting that is good enough to try the product and must not be relied on."""
    checked = {
        "[ca] module: SoftHSM keeps the CA's keys in files. Set the PKCS#11 module of an HSM.": (
            "softhsm" in settings.ca.module.name
        ),
        "[openid] module: SoftHSM keeps the OpenID keys in files. Set the PKCS#11 module of an HSM.": (
            "softhsm" in settings.openid.module.name
        ),
        "[agent] card_profile: SoftHSM cards are files. Name the profile of the cards that people carry.": (
            settings.agent.card_profile == "softhsm"
        ),
        "[messages] by: codes are written into a folder, not sent. Set smtp and your mail relay.": (
            settings.messages.by.value == "spool"
        ),
        "[service] origin: this machine only. Set the name that people's browsers reach.": _is_loopback(
            settings.service.origin
        ),
        "[status] origin: this machine only. Set the name that certificates shall carry.": _is_loopback(
            settings.status.origin
        ),
    }
    return [sentence for sentence, in_use in checked.items() if in_use]


def _is_loopback(origin: str) -> bool:
    return urlsplit(origin).hostname in _LOOPBACK
