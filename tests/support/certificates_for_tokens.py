"""A certificate for a key in a token, where a test needs any certificate of that key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cryptoki import PrivateKey, PublicKey

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def self_signed(key: PrivateKey) -> x509.Certificate:
    """Self-signed by an EC or RSA key, thirty days from a fixed day."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ada Example")])
    return x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + timedelta(days=30)).sign(
        key, hashes.SHA256()
    )


def certified(key: PublicKey) -> x509.Certificate:
    """A certificate for the key by somebody else's, with a serial number of its own."""
    issuer = ec.generate_private_key(ec.SECP256R1())
    subject, authority = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("555500000001", "Trial CA")
    )
    serial = x509.random_serial_number()
    builder = x509.CertificateBuilder(authority, subject, key, serial, NOW, NOW + timedelta(days=30))
    return builder.sign(issuer, hashes.SHA256())
