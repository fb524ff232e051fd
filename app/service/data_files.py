"""The files of a new data folder: settings for each program, random secrets, local TLS certificates."""

from __future__ import annotations

import json
import secrets
from datetime import datetime

from app.service.files import write_once
from app.service.layout import Layout
from app.service.local_tls import make_local_tls
from app.service.preflight import CannotStart
from app.settings import load

_SERVERS = ("web", "directory", "relying-party")

_SETTINGS = """\
# Made by ./run once; yours from now on. Whatever is not here has its default: config/default.toml explains
# each setting. The ports are fixed at the first start (--port-offset): certificates carry them for life.
[service]
origin = {web_origin}

[data]
folder = {folder}

[database]
url = {database_url}

[directory]
ldaps_url = {ldaps_url}

[look_ups]
origin = {look_ups_origin}

[monitoring]
port = {metrics_port}

[status]
origin = {status_origin}

[agent]
origin = {agent_origin}
card_profile = {card_profile}

[attestation]
folder = {attestation_roots}

[web]
listen = {listen}
port = {web_port}
tls_certificate = {tls_certificate}
tls_key = {tls_key}
"""

_AGENT_SETTINGS = """\
# Made by ./run once; yours from now on. config/agent.example.toml explains each setting.
[listen]
port = {agent_port}

[cards]
profiles = [{card_profile}]

[desk]
folder = {desk}

[[site]]
origin = {web_origin}
name = "Spine RA"
ca_file = {tls_ca}
so_pin_escrow_key_file = {escrow_key}

[[site]]
origin = {relying_party_origin}
name = "Prescribing screen"
ca_file = {tls_ca}
may_ask = ["signatures"]
"""


def make_folders(layout: Layout) -> None:
    """Make the folders that are missing, for the owner alone."""
    for folder in ("run", "log", "secrets", "ca", "web", "desk", "systems", "relying-party"):
        (layout.folder / folder).mkdir(mode=0o700, exist_ok=True)


def make_certificates(layout: Layout, now: datetime) -> bool:
    """Make or renew the TLS certificates. True when the TLS authority itself is new."""
    return make_local_tls(layout.tls, _SERVERS, now, layout.host)


def write_settings(layout: Layout, database_url: str | None) -> None:
    """Write the settings and secrets that are missing; those that are there belong to the operator.

    Args:
        database_url: as asked for at this start; None for what the folder has, or a file in it.

    Raises:
        CannotStart: another database was asked for than the settings name.
    """
    _require_same_database(layout, database_url)
    values = _values(layout, database_url or "sqlite:///{data}/spine.db")
    write_once(layout.settings_file, _SETTINGS.format_map(values))
    write_once(layout.agent_settings, _AGENT_SETTINGS.format_map(values))
    write_once(layout.folder / "secrets" / "web.key", secrets.token_hex(32))
    write_once(layout.folder / "secrets" / "unlock.key", secrets.token_hex(32))


def _require_same_database(layout: Layout, asked_for: str | None) -> None:
    if asked_for is None or not layout.settings_file.exists():
        return
    in_use = load(layout.settings_file).database.url
    if asked_for != in_use:
        raise CannotStart(
            f"{layout.folder} uses the database {in_use}. Start it as it is: {layout.command}. For another"
            " database choose another folder: ./run --data FOLDER --database-url URL"
        )


def _values(layout: Layout, database_url: str) -> dict[str, str]:
    """As TOML values. A JSON text is a TOML basic string too, whatever the folder is called."""
    values = {
        "web_origin": layout.web_origin,
        "relying_party_origin": layout.relying_party_origin,
        "look_ups_origin": layout.look_ups_origin,
        "status_origin": layout.status_origin,
        "agent_origin": layout.agent_origin,
        "ldaps_url": layout.ldaps_url,
        "database_url": database_url,
        "folder": str(layout.folder),
        "card_profile": layout.card_profile,
        "attestation_roots": str(layout.attestation_roots),
        "desk": str(layout.desk),
        "listen": layout.listen,
        "web_port": layout.web_port,
        "metrics_port": layout.metrics_port,
        "agent_port": layout.agent_port,
        "tls_certificate": str(layout.tls / "web.pem"),
        "tls_key": str(layout.tls / "web.key"),
        "escrow_key": str(layout.folder / "ca" / "public" / "so-pin-escrow.pem"),
        "tls_ca": str(layout.tls / "ca.pem"),
    }
    return {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
