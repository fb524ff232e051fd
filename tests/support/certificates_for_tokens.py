"""A certificate for a key in a token, where a test needs any certificate of that key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from cryptoki import PrivateKey

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def self_signed(key: PrivateKey) -> x509.Certificate:
    """Self-signed by an EC or RSA key, thirty days from a fixed day."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ada Example")])
    return x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + timedelta(days=30)).sign(
        key, hashes.SHA256()
    )
