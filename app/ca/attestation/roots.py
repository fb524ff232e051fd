"""The makers whose cards' proofs are believed: their roots, from PEM files that the settings name."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from app.ca.attestation.cv_certificates import CvCertificate, NotACvCertificate, read_certificate
from app.errors import SpineError

STAND_IN: Final = "development stand-in"
_CV_STAND_IN: Final = "VCDEV"
_CV_PEM: Final = re.compile(
    "-----BEGIN CV CERTIFICATE-----([A-Za-z0-9+/=\\s]+)-----END CV CERTIFICATE-----", re.ASCII
)


class UnusableRoot(SpineError):
    """A file with a maker's root cannot be read, or holds none."""


@dataclass(frozen=True)
class AttestationRoots:
    """Roots of makers: X.509 for PIV cards, CV certificates for SmartCard-HSMs."""

    x509: tuple[x509.Certificate, ...] = ()
    cv: tuple[CvCertificate, ...] = ()

    @property
    def stand_ins(self) -> list[str]:
        """The names of those that are development stand-ins: made with keys that lie in a folder."""
        names = [root.subject.rfc4514_string() for root in self.x509]
        found = [name for name in names if STAND_IN in name]
        return found + [root.holder for root in self.cv if root.holder.startswith(_CV_STAND_IN)]


def roots_from_pem(texts: Iterable[tuple[str, str]]) -> AttestationRoots:
    """The roots in the texts of files, each with the name by which a problem is told.

    Raises:
        UnusableRoot: a text holds no root, or one that does not sign itself.
    """
    x509_roots: list[x509.Certificate] = []
    cv_roots: list[CvCertificate] = []
    for name, text in texts:
        try:
            found_cv = [read_certificate(b64decode(part)) for part in _CV_PEM.findall(text)]
            found_x509 = [] if found_cv else x509.load_pem_x509_certificates(text.encode())
        except (ValueError, binascii.Error, NotACvCertificate) as error:
            raise UnusableRoot(f"{name} holds no certificate of a card's maker: {error}.") from error
        cv_roots += found_cv
        x509_roots += found_x509
    return AttestationRoots(tuple(x509_roots), tuple(cv_roots))
