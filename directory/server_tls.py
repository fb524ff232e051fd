"""slapd's TLS files, and TLS 1.2 and up with either library that slapd is built with."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from directory.account import Account

TLS_1_2 = "3.3"
"""olcTLSProtocolMin: heeded by slapd built with OpenSSL (Debian 13), not by one with GnuTLS (Debian 12)."""

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_GNUTLS_FILE = "gnutls.conf"
_GNUTLS_TLS_1_2_AND_UP = """\
[overrides]
disabled-version = ssl3.0
disabled-version = tls1.0
disabled-version = tls1.1
disabled-version = dtls1.0
"""


@dataclass(frozen=True)
class ServerTls:
    """PEM files.

    Attributes:
        certificate: slapd's certificate, with its chain.
        key: its key.
        client_authority: the authority of systems' certificates and those above it, up to the root.
    """

    certificate: Path
    key: Path
    client_authority: Path

    @classmethod
    def copies_in(cls, folder: Path) -> ServerTls:
        """Where ``copy_into`` puts them."""
        return cls(folder / "server.pem", folder / "server.key", folder / "clients.pem")

    def copy_into(self, folder: Path, account: Account) -> None:
        """Copy the files to where slapd's user may read them, and nobody else."""
        copies = self.copies_in(folder)
        for source, target in (
            (self.certificate, copies.certificate),
            (self.key, copies.key),
            (self.client_authority, copies.client_authority),
        ):
            write_private(target, source.read_bytes(), account)
        join_trusted(folder, account)
        write_private(folder / _GNUTLS_FILE, _GNUTLS_TLS_1_2_AND_UP.encode(), account)


def trusted_file(folder: Path) -> Path:
    """The authorities of systems' certificates, then the CRL, for a slapd that reads both there."""
    return folder / "trusted.pem"


def revoked_file(folder: Path) -> Path:
    """The CRL of systems' certificates; missing until the first one was brought."""
    return folder / "revoked.pem"


def distrusted_file(folder: Path) -> Path:
    """The authorities of systems' certificates that the root has revoked; missing while there is none."""
    return folder / "distrusted.pem"


def join_trusted(folder: Path, account: Account) -> None:
    """Make the file of ``trusted_file`` of those that it consists of."""
    distrusted = set(_certificates(_content(distrusted_file(folder))))
    authorities = _certificates(_content(ServerTls.copies_in(folder).client_authority))
    trusted = "".join(each for each in authorities if each not in distrusted)
    replace_private(trusted_file(folder), trusted.encode() + _content(revoked_file(folder)), account)


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _certificates(pem: bytes) -> list[str]:
    """Each certificate in a PEM file, written alike."""
    found = _CERTIFICATE.findall(pem.decode("ascii", "replace"))
    return [ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(each)) for each in found]


def environment(folder: Path) -> dict[str, str]:
    """What slapd needs in its environment for the files in ``folder`` to be heeded."""
    return {"GNUTLS_SYSTEM_PRIORITY_FILE": str(folder / _GNUTLS_FILE)}


def write_private(target: Path, content: bytes, account: Account) -> None:
    """Write a file that only ``account`` may read."""
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    target.write_bytes(content)
    account.own(target)


def replace_private(target: Path, content: bytes, account: Account) -> None:
    """As ``write_private``, whole or not at all for whoever reads it meanwhile."""
    beside = target.with_name(f"{target.name}.new")
    write_private(beside, content, account)
    beside.replace(target)
