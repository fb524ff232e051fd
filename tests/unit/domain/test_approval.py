"""The operator's signed approval."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from app.domain.approval import (
    ApprovalNotValid,
    ApprovalStatement,
    require_signed_recently,
    statement_from_untrusted,
    verify_approval,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STATEMENT = ApprovalStatement(
    issuance_id="i-1",
    holder_uid="710000002102",
    holder_name="Zoë Łuk",
    card_serial="0001",
    card_profile="softhsm",
    operator_uid="710000001104",
    desk_key="MFkw",
    origin="https://localhost:8443",
    signed_at="2026-11-22T12:00:00Z",
)


def raw(der: bytes) -> bytes:
    return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))


def test_the_statement_is_canonical_json() -> None:
    assert (
        STATEMENT.canonical()
        == (
            '{"card_profile":"softhsm","card_serial":"0001","desk_key":"MFkw",'
            '"holder":"710000002102","holder_name":"Zoë Łuk",'
            '"issuance":"i-1","operator":"710000001104","origin":"https://localhost:8443",'
            '"signed_at":"2026-11-22T12:00:00Z","type":"spine-ra/card-issuance/1"}'
        ).encode()
    )
    assert statement_from_untrusted(STATEMENT.canonical()) == STATEMENT


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        STATEMENT.canonical().replace(b'":"', b'": "'),
        STATEMENT.canonical().replace(b"card-issuance/1", b"card-issuance/2"),
        STATEMENT.canonical().replace(b'{"card', b'{"also":1,"card'),
        STATEMENT.canonical().replace(b'"0001"', b"1"),
        b"[" * 100_000,
    ],
)
def test_anything_else_is_refused(untrusted: bytes) -> None:
    with pytest.raises(ApprovalNotValid):
        statement_from_untrusted(untrusted)


def test_a_signature_of_an_elliptic_curve_key_is_raw() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.sign(STATEMENT.canonical(), ec.ECDSA(hashes.SHA256()))
    verify_approval(key.public_key(), raw(der), STATEMENT.canonical())
    with pytest.raises(ApprovalNotValid):
        verify_approval(key.public_key(), der, STATEMENT.canonical())


def test_an_rsa_key_signs_with_pkcs1() -> None:
    key = rsa.generate_private_key(65537, 2048)
    signature = key.sign(b"data", padding.PKCS1v15(), hashes.SHA256())
    verify_approval(key.public_key(), signature, b"data")


def test_other_data_another_key_and_another_kind_of_key_are_refused() -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    signature = raw(key.sign(b"data", ec.ECDSA(hashes.SHA256())))
    for public_key, data in (
        (key.public_key(), b"datb"),
        (other.public_key(), b"data"),
        (ed25519.Ed25519PrivateKey.generate().public_key(), b"data"),
    ):
        with pytest.raises(ApprovalNotValid):
            verify_approval(public_key, signature, data)
    with pytest.raises(ApprovalNotValid):
        verify_approval(key.public_key(), bytes(64), b"data")


def test_an_approval_is_signed_just_now() -> None:
    require_signed_recently(STATEMENT, NOW + timedelta(minutes=15))
    require_signed_recently(STATEMENT, NOW - timedelta(minutes=2))
    for when in (NOW + timedelta(minutes=16), NOW - timedelta(minutes=3)):
        with pytest.raises(ApprovalNotValid, match="clock"):
            require_signed_recently(STATEMENT, when)


@pytest.mark.parametrize("signed_at", ["", "yesterday", "2026-11-22T12:00:00"])
def test_a_time_without_a_zone_or_none_is_refused(signed_at: str) -> None:
    with pytest.raises(ApprovalNotValid):
        require_signed_recently(replace(STATEMENT, signed_at=signed_at), NOW)
