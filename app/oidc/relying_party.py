"""The relying parties that are registered: data (``config/clients.toml``), checked at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

#: A key that proves a relying party's assertions.
PublicKey = ECKey | RSAKey

SCOPES = (
    "openid",
    "profile",
    "email",
    "nhsperson",
    "associatedorgs",
    "nationalrbacaccess",
    "professionalmemberships",
    "organisationalmemberships",
    "selectedrole",
)
SIGNING_ALGORITHMS = ("RS256", "ES256")
#: How long a client assertion may live, unless the registration says otherwise; CIS2 asks the same.
ASSERTION_SECONDS = 300


@dataclass(frozen=True)
class RelyingParty:
    """One registered relying party.

    Attributes:
        name: as people see it on the sign-in page.
        redirect_uris, post_logout_redirect_uris: compared character for character.
        backchannel_logout_uri: empty when it takes no logout tokens.
        backchannel_ca_file: PEM file with the CA of that address; empty for the system's own.
        scopes: what it may ask for.
        keys: public keys for private_key_jwt.
        assertion_seconds: the longest life of its assertions.
    """

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    backchannel_logout_uri: str
    backchannel_ca_file: str
    scopes: frozenset[str]
    keys: tuple[PublicKey, ...]
    id_token_algorithm: str
    assertion_seconds: int
    may_refresh: bool


class RegistrationNotUsable(ValueError):
    """The file of relying parties has a mistake; the message names the entry and the key."""


ReadFile = Callable[[str], bytes]

_DEFAULTS: dict[str, Any] = {
    "post_logout_redirect_uris": [],
    "backchannel_logout_uri": "",
    "backchannel_ca_file": "",
    "id_token_algorithm": "RS256",
    "assertion_seconds": ASSERTION_SECONDS,
    "may_refresh": False,
}
_REQUIRED = ("client_id", "name", "redirect_uris", "scopes", "public_key_files")


def parse(document: Mapping[str, Any], read_file: ReadFile) -> dict[str, RelyingParty]:
    """The relying parties by client id.

    Args:
        document: the parsed TOML file: ``[[client]]`` tables.
        read_file: gives a PEM file's content by the name that the document uses.

    Raises:
        RegistrationNotUsable
    """
    parties = [_relying_party(table, read_file) for table in document.get("client", ())]
    by_id = {party.client_id: party for party in parties}
    if len(by_id) < len(parties):
        raise RegistrationNotUsable("two relying parties have the same client_id")
    return by_id


def _relying_party(table: Mapping[str, Any], read_file: ReadFile) -> RelyingParty:
    name = str(table.get("client_id", "without client_id"))
    _require_known_keys(name, table)
    values = {**_DEFAULTS, **table}
    files = values.pop("public_key_files")
    return RelyingParty(
        **{
            **values,
            "redirect_uris": _addresses(name, "redirect_uris", values["redirect_uris"]),
            "post_logout_redirect_uris": _addresses(
                name, "post_logout_redirect_uris", values["post_logout_redirect_uris"]
            ),
            "scopes": _scopes(name, values["scopes"]),
            "id_token_algorithm": _algorithm(name, values["id_token_algorithm"]),
        },
        keys=_public_keys(name, files, read_file),
    )


def _require_known_keys(name: str, table: Mapping[str, Any]) -> None:
    for key in _REQUIRED:
        if not table.get(key):
            raise RegistrationNotUsable(f"relying party {name}: {key} is missing")
    for key in set(table) - set(_DEFAULTS) - set(_REQUIRED):
        raise RegistrationNotUsable(f"relying party {name}: unknown key {key}")


def _addresses(name: str, key: str, addresses: Sequence[str]) -> tuple[str, ...]:
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme != "https" or not parts.netloc or parts.fragment:
            raise RegistrationNotUsable(f"relying party {name}: {key} must be https without fragment")
    return tuple(addresses)


def _scopes(name: str, scopes: Sequence[str]) -> frozenset[str]:
    unknown = set(scopes) - set(SCOPES)
    if unknown or "openid" not in scopes:
        known = ", ".join(SCOPES)
        raise RegistrationNotUsable(f"relying party {name}: scopes must have openid and be of {known}")
    return frozenset(scopes)


def _algorithm(name: str, algorithm: str) -> str:
    if algorithm not in SIGNING_ALGORITHMS:
        raise RegistrationNotUsable(f"relying party {name}: id_token_algorithm must be RS256 or ES256")
    return algorithm


def _public_keys(name: str, files: Sequence[str], read_file: ReadFile) -> tuple[PublicKey, ...]:
    return tuple(_public_key(name, file, read_file) for file in files)


def _public_key(name: str, file: str, read_file: ReadFile) -> PublicKey:
    pem = read_file(file)
    for kind in (ECKey, RSAKey):
        try:
            key: PublicKey = kind.import_key(pem)
        except (JoseError, ValueError):
            continue
        if key.is_private:
            raise RegistrationNotUsable(f"relying party {name}: {file} is private; register the public key")
        key.ensure_kid()
        return key
    raise RegistrationNotUsable(f"relying party {name}: {file} is no EC or RSA public key in PEM")
