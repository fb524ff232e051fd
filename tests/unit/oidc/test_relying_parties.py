"""The file of relying parties is checked at start: a mistake names the entry and the key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from app.oidc.relying_party import RegistrationNotUsable, parse
from tests.support.relying_party import PartyUnderTest, registered

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"redirect_uris": []},
        {"redirect_uris": ["http://prescribing.example/"]},
        {"redirect_uris": ["https://prescribing.example/#x"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"post_logout_redirect_uris": ["http://prescribing.example/"]},
        {"scopes": ["profile"]},
        {"scopes": ["openid", "everything"]},
        {"id_token_algorithm": "none"},
        {"public_key_files": []},
    ],
    ids=str,
)
def test_a_mistake_is_told_at_start(changes: dict[str, Any]) -> None:
    with pytest.raises(RegistrationNotUsable, match="prescribing"):
        registered(PartyUnderTest(), **changes)


def test_two_with_one_id_are_a_mistake() -> None:
    with pytest.raises(RegistrationNotUsable):
        registered(PartyUnderTest(), PartyUnderTest())


def test_a_private_key_is_not_registered() -> None:
    party = PartyUnderTest()
    pem = party.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(RegistrationNotUsable, match="private"):
        parse({"client": [party.table()]}, lambda name: pem)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"text",
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["empty", "text", "Ed25519"],
)
def test_a_key_that_cannot_be_used(pem: bytes) -> None:
    with pytest.raises(RegistrationNotUsable):
        parse({"client": [PartyUnderTest().table()]}, lambda name: pem)


def test_rsa_and_ec_keys_are_taken() -> None:
    party = PartyUnderTest()
    rsa_pem = (
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    files = {"a": party.public_pem, "b": rsa_pem}
    known = parse({"client": [party.table(public_key_files=["a", "b"])]}, files.__getitem__)
    assert len(known["prescribing"].keys) == 2


def test_the_example_file_is_right() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    document = tomllib.loads((ROOT / "config" / "clients.toml").read_text())
    assert set(parse(document, lambda name: pem)) == {"prescribing-screen"}
