"""How a system shows the directory who it is, and how it knows the directory: files, never secrets."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from directory.errors import InvalidSetting


@dataclass(frozen=True)
class ClientTls:
    """How a system shows who it is, and which authority it trusts for the server.

    Attributes:
        authority: PEM file of the authorities that may have signed the server's certificate.
        certificate, key: PEM files of the system's own certificate and key; None stays anonymous.
    """

    authority: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A context that verifies the server's chain and name, TLS 1.2 and up. The files are read anew.

        The name must stand among the certificate's alternative names, an IP address as an IP address; the
        chain must be as RFC 5280 says. Python does both by itself from 3.13 on; here every version does.

        Raises:
            InvalidSetting: a file is missing or is not what it should be.
        """
        try:
            return self._context()
        except OSError as error:
            files = ", ".join(str(file) for file in (self.authority, self.certificate, self.key) if file)
            raise InvalidSetting(f"TLS cannot be set up with {files}: {error}") from error

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        context.hostname_checks_common_name = False
        if self.certificate is not None:
            context.load_cert_chain(str(self.certificate), str(self.key) if self.key else None)
        return context


@dataclass(frozen=True)
class PasswordLogin:
    """A DN and the file that holds its password, for systems that have no certificate of their own.

    Attributes:
        password: the file; a line break at its end does not count.
    """

    dn: str
    password: Path

    def read(self) -> bytes:
        """The password.

        Raises:
            InvalidSetting: the file cannot be read, or is empty: a server takes a DN with an empty password
                for nobody (RFC 4513 section 5.1.2), which would then look like success.
        """
        try:
            password = self.password.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise InvalidSetting(f"The password file {self.password} cannot be read: {error}") from error
        if not password or not self.dn:
            raise InvalidSetting(f"A login needs a DN and a password; {self.password} is for {self.dn!r}.")
        return password
