"""The certificate with which this machine's replicas of the directory follow its provider.

slapd trusts it as it is: it is its own authority and can sign no other, so that nothing else is trusted
with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.service.files import PUBLIC, write_whole
from directory.replication import NODE_CERTIFICATE_ORGANISATION

_LIFE = timedelta(days=3650)


def node_certificate(systems: Path, now: datetime) -> bytes:
    """PEM of ``node.pem`` in the folder, made with ``node.key`` when it is missing.

    It serves every replica that is made here, and lasts ten years: a replica has a copy of it.
    """
    file = systems / "node.pem"
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        # The certificate last: without it both are made again.
        write_whole(systems / "node.key", key.private_bytes(*form))
        write_whole(file, _self_signed(key, now).public_bytes(Encoding.PEM), PUBLIC)
    return file.read_bytes()


def _self_signed(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, NODE_CERTIFICATE_ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, "node"),
        ]
    )
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + _LIFE
    )
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
