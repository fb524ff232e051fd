"""Certificates as they lie in a token: which of them no authority of ours made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cryptoki import CertificateObject

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SERIAL = b"\x02\x08\x7f\x01\x02\x03\x04\x05\x06\x07"


def certificate(issuer: str, subject: str) -> bytes:
    """DER, with the serial number ``SERIAL``."""
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (issuer, subject)]
    number = int.from_bytes(SERIAL[2:])
    ends = NOW + timedelta(days=9)
    builder = x509.CertificateBuilder(names[0], names[1], KEY.public_key(), number, NOW, ends)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def below_zero(der: bytes) -> bytes:
    """The same with a serial number below zero, as ykcs11 makes every other one."""
    assert SERIAL in der
    return der.replace(SERIAL, SERIAL.replace(b"\x7f", b"\xff"), 1)


@pytest.mark.parametrize(
    ("der", "is_self_issued"),
    [
        (certificate("Trial CA", "Ada"), False),
        (certificate("Ada", "Ada"), True),
        (below_zero(certificate("Ada", "Ada")), True),
        (below_zero(certificate("Trial CA", "Ada")), False),
        (b"half written", True),
    ],
)
def test_what_no_authority_of_ours_made_is_told_apart(der: bytes, is_self_issued: bool) -> None:
    assert CertificateObject(b"\x01", "authentication", der).is_self_issued is is_self_issued
