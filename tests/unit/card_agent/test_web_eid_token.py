"""The web-eid:1.0 token, bit by bit."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given
from hypothesis import strategies as st

from card_agent.card_operations import raw_signature
from card_agent.settings import Site
from card_agent.web_eid_token import authentication_token, return_location, signed_bytes

SITE = Site("https://ra.example:8443", "RA", Path("ca.pem"))


def test_the_signed_bytes_are_the_hash_of_the_origin_then_the_hash_of_the_nonce() -> None:
    expected = hashlib.sha256(b"https://ra.example:8443").digest() + hashlib.sha256(b"nonce").digest()
    assert signed_bytes("https://ra.example:8443", "nonce") == expected


def test_the_token_has_the_five_fields_of_version_1() -> None:
    token = authentication_token(b"certificate", b"signature")
    assert token == {
        "unverifiedCertificate": base64.b64encode(b"certificate").decode(),
        "algorithm": "ES256",
        "signature": base64.b64encode(b"signature").decode(),
        "format": "web-eid:1.0",
        "appVersion": token["appVersion"],
    }
    assert token["appVersion"].startswith("https://")


def test_the_way_back_is_the_fixed_path_with_the_token_in_the_fragment() -> None:
    token = authentication_token(b"\xff" * 500, b"\xfe" * 64)
    address, _, fragment = return_location(SITE, token).partition("#")
    assert address == "https://ra.example:8443/sign-in/card"
    assert not set("+/=") & set(fragment)
    assert json.loads(base64.urlsafe_b64decode(fragment + "=" * (-len(fragment) % 4))) == token


@given(st.binary(max_size=200))
def test_a_signature_is_r_and_s_in_64_bytes(data: bytes) -> None:
    key = ec.derive_private_key(4711, ec.SECP256R1())
    raw = raw_signature(key, data)
    assert len(raw) == 64
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.public_key().verify(der, data, ec.ECDSA(hashes.SHA256()))
