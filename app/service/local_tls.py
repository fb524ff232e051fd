"""A certificate authority for this machine's own TLS servers, made at first start and renewed at later ones.

It stands in for the certificates that an installation buys or has from its own TLS authority. It has nothing
to do with the CA that certifies people and systems.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.service.files import PUBLIC, write_whole

_CA_LIFE = datetime.timedelta(days=3650)
# Browsers refuse server certificates that live longer than 398 days.
_SERVER_LIFE = datetime.timedelta(days=397)
RENEWED_BEFORE_EXPIRY = datetime.timedelta(days=30)


@dataclass(frozen=True)
class _Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def make_local_tls(
    folder: Path, servers: Sequence[str], now: datetime.datetime, host: str = "localhost"
) -> bool:
    """Leave ``ca.pem``, and ``<name>.pem`` with ``<name>.key`` for each server, valid for another 30 days.

    What is missing is made. What expires within 30 days, does not fit its key, or does not carry the names of
    this machine is made again; a renewed certificate keeps its key. The authority is for those names alone.

    Args:
        folder: where they are kept; keys are readable by the owner alone.
        servers: file names, e.g. ``["web", "directory"]``. Every certificate is for localhost.
        now: the start of validity.
        host: the name under which others reach this machine.

    Returns:
        whether ``ca.pem`` is new, so that browsers must be told to trust it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = _key(folder / "ca.key")
    names = _local_names(host)
    constraints = _name_constraints(names)
    authority_is_new = not _serves(folder / "ca.pem", key, now, lambda kept: _is_for(kept, constraints))
    if authority_is_new:
        _write(folder / "ca.pem", _ca_certificate(key, constraints, now))
    authority = _Authority(key, x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes()))
    for server in servers:
        _make_server(folder, server, names, authority, now)
    return authority_is_new


def _make_server(
    folder: Path,
    server: str,
    names: list[x509.GeneralName],
    authority: _Authority,
    now: datetime.datetime,
) -> None:
    key, path = _key(folder / f"{server}.key"), folder / f"{server}.pem"

    def fits(certificate: x509.Certificate) -> bool:
        return _is_signed_by(certificate, authority) and _names_of(certificate) == names

    if not _serves(path, key, now, fits):
        _write(path, _server_certificate(key, names, authority, now))


def _serves(
    path: Path,
    key: ec.EllipticCurvePrivateKey,
    now: datetime.datetime,
    fits: Callable[[x509.Certificate], bool],
) -> bool:
    """Whether the file holds a certificate of this key that lasts a while and fits."""
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    lasts = certificate.not_valid_after_utc - now > RENEWED_BEFORE_EXPIRY
    return lasts and certificate.public_key() == key.public_key() and fits(certificate)


def _is_signed_by(certificate: x509.Certificate, authority: _Authority) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except Exception:  # ValueError, TypeError or InvalidSignature: each means no
        return False
    return True


def _names_of(certificate: x509.Certificate) -> list[x509.GeneralName]:
    return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def _local_names(host: str) -> list[x509.GeneralName]:
    # libldap turns "localhost" into the host's own name before it compares, so that name is in too.
    names = sorted({"localhost", socket.gethostname(), host})
    return [*(x509.DNSName(name) for name in names), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def _name_constraints(local: Sequence[x509.GeneralName]) -> x509.NameConstraints:
    """This machine's names alone: people are told to trust the authority, and its key lies in a file."""
    names = [name for name in local if isinstance(name, x509.DNSName)]
    address = x509.IPAddress(ipaddress.ip_network("127.0.0.1/32"))
    return x509.NameConstraints([*names, address], None)


def _is_for(certificate: x509.Certificate, constraints: x509.NameConstraints) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.NameConstraints).value == constraints
    except x509.ExtensionNotFound:
        return False


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    if path.exists():
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey), f"{path} was made here"
        return key
    key = ec.generate_private_key(ec.SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    write_whole(path, key.private_bytes(encoding, form, serialization.NoEncryption()))
    return key


def _write(path: Path, certificate: x509.Certificate) -> None:
    write_whole(path, certificate.public_bytes(serialization.Encoding.PEM), PUBLIC)


def _ca_certificate(
    key: ec.EllipticCurvePrivateKey, constraints: x509.NameConstraints, now: datetime.datetime
) -> x509.Certificate:
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Spine RA local TLS ({socket.gethostname()})"[:64])]
    )
    signs_certificates = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key.public_key(), now, _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs_certificates, critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server_certificate(
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[x509.GeneralName],
    authority: _Authority,
    now: datetime.datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    return (
        _builder(subject, authority.certificate.subject, key.public_key(), now, _SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    life: datetime.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + life)
    )
