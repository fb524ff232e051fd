"""The demonstration relying party: its key, its settings, and its registration with the OpenID provider."""

from __future__ import annotations

import json

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from app.service.files import PUBLIC, write_once
from app.service.layout import Layout

_REGISTRATION = """\
# The relying parties of this service. config/clients.toml explains each key.
[[client]]
client_id = {client_id}
name = "Prescribing screen"
redirect_uris = [{redirect_uri}]
post_logout_redirect_uris = [{home}]
backchannel_logout_uri = {backchannel_logout_uri}
backchannel_ca_file = {ca_file}
scopes = ["openid", "profile", "nhsperson", "nationalrbacaccess", "selectedrole"]
id_token_algorithm = "ES256"
public_key_files = [{public_key_file}]
"""

_SETTINGS = """\
# Made by ./run once; yours from now on.
origin = {origin}
listen = {listen}
port = {port}
issuer = {issuer}
client_id = {client_id}
private_key_file = {private_key_file}
ca_file = {ca_file}
tls_certificate = {tls_certificate}
tls_key = {tls_key}
session_key_file = {session_key_file}
agent_origin = {agent_origin}
verification_key_file = {verification_key_file}
"""


def write_relying_party(layout: Layout) -> None:
    """Write what is missing; what is there belongs to the operator."""
    private = layout.relying_party / "private.pem"
    write_once(private, _new_key())
    key = load_pem_private_key(private.read_bytes(), None)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_once(layout.relying_party / "public.pem", public, PUBLIC)
    values = _values(layout)
    write_once(layout.folder / "web" / "openid_clients.toml", _REGISTRATION.format_map(values))
    write_once(layout.relying_party / "settings.toml", _SETTINGS.format_map(values))


def _new_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _values(layout: Layout) -> dict[str, str]:
    origin, own = layout.relying_party_origin, layout.relying_party
    values = {
        "client_id": "prescribing-screen",
        "origin": origin,
        "redirect_uri": f"{origin}/signed-in",
        "home": f"{origin}/",
        "backchannel_logout_uri": f"{origin}/back-channel-logout",
        "listen": layout.listen,
        "port": layout.relying_party_port,
        "issuer": layout.web_origin,
        "public_key_file": str(own / "public.pem"),
        "private_key_file": str(own / "private.pem"),
        "session_key_file": str(own / "session.key"),
        "agent_origin": layout.agent_origin,
        "verification_key_file": str(layout.verification_key),
        "ca_file": str(layout.tls / "ca.pem"),
        "tls_certificate": str(layout.tls / "relying-party.pem"),
        "tls_key": str(layout.tls / "relying-party.key"),
    }
    return {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
