"""What a card's authentication certificate must be: one check a function, one refusal each.

Sources: RFC 5280 section 6 (path validation, for the one shape of path that we issue: root, authentication
CA, card), section 4.2.1.3 (key usage), section 4.2.1.12 (extended key usage).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.signin.refusals import (
    CertificateHasExpired,
    CertificateNotForSignIn,
    CertificateNotOurs,
    CertificateNotYetValid,
    CertificateUnreadable,
    IssuingCertificateNotValid,
)


class TrustAnchorsNotUsable(ValueError):
    """The configured CA certificates do not form a path: a fault in the installation, told at start."""


@dataclass(frozen=True)
class TrustAnchors:
    """The root and the one CA beneath it that issues authentication certificates.

    Raises:
        TrustAnchorsNotUsable: one of them is no CA, or the root did not sign the other.
    """

    root: x509.Certificate
    authentication_ca: x509.Certificate

    def __post_init__(self) -> None:
        """Check once, at start, what never changes."""
        for certificate in self.path:
            _require_ca(certificate)
        if not _is_issued_by(self.authentication_ca, self.root):
            raise TrustAnchorsNotUsable("the authentication CA's certificate was not issued by the root")

    @property
    def path(self) -> tuple[x509.Certificate, x509.Certificate]:
        """Both, from the issuing CA up."""
        return (self.authentication_ca, self.root)

    @classmethod
    def from_pem(cls, root: bytes, authentication_ca: bytes) -> TrustAnchors:
        """From two PEM files' contents."""
        return cls(x509.load_pem_x509_certificate(root), x509.load_pem_x509_certificate(authentication_ca))


def _require_ca(certificate: x509.Certificate) -> None:
    try:
        is_ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        may_sign = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as error:
        raise TrustAnchorsNotUsable(f"{certificate.subject.rfc4514_string()} is no CA: {error}") from error
    if not (is_ca and may_sign):
        raise TrustAnchorsNotUsable(f"{certificate.subject.rfc4514_string()} is no CA")


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def certificate_from_untrusted(der: bytes) -> x509.Certificate:
    """Parse a certificate.

    Raises:
        CertificateUnreadable
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.extensions
        certificate.public_key()
    except Exception as error:  # the parser raises several kinds, and new ones with new versions
        raise CertificateUnreadable(f"the certificate cannot be parsed: {type(error).__name__}") from error
    return certificate


def require_issued_by_authentication_ca(certificate: x509.Certificate, anchors: TrustAnchors) -> None:
    """Refuse a certificate that our authentication CA did not sign.

    Raises:
        CertificateNotOurs
    """
    if not _is_issued_by(certificate, anchors.authentication_ca):
        named = certificate.issuer.rfc4514_string()[:200]
        raise CertificateNotOurs(f"names the issuer {named!r}, and our CA did not sign it")


def require_valid_issuers(anchors: TrustAnchors, now: datetime) -> None:
    """Refuse when a CA's own certificate is not valid now.

    Raises:
        IssuingCertificateNotValid
    """
    for certificate in anchors.path:
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise IssuingCertificateNotValid(f"{certificate.subject.rfc4514_string()} is not valid at {now}")


def require_valid_now(certificate: x509.Certificate, now: datetime) -> None:
    """Refuse a certificate before and after its validity; both ends belong to it.

    Raises:
        CertificateNotYetValid, CertificateHasExpired
    """
    if now < certificate.not_valid_before_utc:
        raise CertificateNotYetValid(f"valid from {certificate.not_valid_before_utc}")
    if now > certificate.not_valid_after_utc:
        raise CertificateHasExpired(f"valid until {certificate.not_valid_after_utc}")


def require_for_sign_in(certificate: x509.Certificate) -> None:
    """Refuse a certificate that is not for client authentication by digital signature.

    Raises:
        CertificateNotForSignIn
    """
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        raise CertificateNotForSignIn(f"the certificate has no {error.oid._name}") from error
    if ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise CertificateNotForSignIn("the extended key usage has no clientAuth")
    if not usage.digital_signature:
        raise CertificateNotForSignIn("the key usage has no digitalSignature")
