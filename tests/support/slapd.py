"""A throw-away certificate authority and a private slapd for tests.

Fixtures are made by the tests that use them; this module only knows how to make the things.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from directory.connection import ClientTls
from directory.server_tls import ServerTls
from directory.slapd import Slapd

SYSTEMS = "Spine RA Systems"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class KeyFiles:
    """PEM files of a certificate and its key."""

    certificate: Path
    key: Path


class ThrowAwayAuthority:
    """A certificate authority whose key lives as long as a test. Without an issuer it is a root."""

    def __init__(self, folder: Path, name: str, issuer: ThrowAwayAuthority | None = None) -> None:
        self._folder = folder
        self._crl_number = 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (issuer or self)._sign(self._name, self._key, authority=True)
        self.file = folder / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self) -> KeyFiles:
        """A certificate for this machine: loopback, localhost and the host's own name."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        return self._issue("server", name, ExtendedKeyUsageOID.SERVER_AUTH)

    def system(
        self, common_name: str, organisation: str = SYSTEMS, valid_for: timedelta = ONE_DAY
    ) -> KeyFiles:
        """A client certificate as an accredited system has it."""
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        file_name = f"system-{abs(hash((common_name, organisation, valid_for)))}"
        return self._issue(file_name, name, ExtendedKeyUsageOID.CLIENT_AUTH, valid_for)

    def client(self, subject: x509.Name, file_name: str) -> KeyFiles:
        """A client certificate with any subject, for attacks."""
        return self._issue(file_name, subject, ExtendedKeyUsageOID.CLIENT_AUTH)

    def crl(self, *revoked: Path, valid_for: timedelta = timedelta(hours=1)) -> bytes:
        """A CRL in PEM that names these certificates. Each one is newer than the one before."""
        now = datetime.now(UTC)
        self._crl_number += 1
        builder = (
            x509.CertificateRevocationListBuilder(issuer_name=self._name)
            .last_update(now - timedelta(hours=1))
            .next_update(now + valid_for)
            .add_extension(x509.CRLNumber(self._crl_number), critical=False)
        )
        for file in revoked:
            serial = x509.load_pem_x509_certificate(file.read_bytes()).serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _issue(
        self, file_name: str, name: x509.Name, usage: x509.ObjectIdentifier, valid_for: timedelta = ONE_DAY
    ) -> KeyFiles:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key, usage=usage, valid_for=valid_for)
        files = KeyFiles(self._folder / f"{file_name}.pem", self._folder / f"{file_name}.key")
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _sign(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        authority: bool = False,
        usage: x509.ObjectIdentifier | None = None,
        valid_for: timedelta = ONE_DAY,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        issuer_key = self._key.public_key()
        builder = (
            x509.CertificateBuilder(issuer_name=self._name, subject_name=name, public_key=key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + valid_for)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(_key_usage(authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        )
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if usage == ExtendedKeyUsageOID.SERVER_AUTH:
            builder = builder.add_extension(_this_machine(), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _key_usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _this_machine() -> x509.SubjectAlternativeName:
    # libldap takes "localhost" for the machine's own name when it verifies, so all three are needed.
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.DNSName(socket.gethostname())]
    return x509.SubjectAlternativeName([*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])


@dataclass(frozen=True)
class TestDirectory:
    """A running slapd, its authority, and how a client trusts it."""

    __test__ = False

    slapd: Slapd
    authority: ThrowAwayAuthority
    server_tls: ServerTls

    def anonymous(self) -> ClientTls:
        """A client without a certificate."""
        return ClientTls(self.authority.file)

    def system(self, asid: str) -> ClientTls:
        """A client with the certificate of that accredited system."""
        return self.client(self.authority.system(asid))

    def client(self, files: KeyFiles) -> ClientTls:
        """A client with any certificate."""
        return ClientTls(self.authority.file, files.certificate, files.key)


def free_port() -> int:
    """A TCP port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running_slapd(folder: Path) -> Iterator[TestDirectory]:
    """An empty private slapd in ``folder``, ended at the end."""
    authority = ThrowAwayAuthority(folder, "Throw-away authority")
    server = authority.server()
    tls = ServerTls(server.certificate, server.key, authority.file)
    slapd = Slapd(folder / "d", free_port(), tls)
    slapd.start()
    try:
        yield TestDirectory(slapd, authority, tls)
    finally:
        slapd.stop()
