"""Reading a certificate that a stranger hands in."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from app.validation.refusals import CertificateUnreadable

LARGEST_CERTIFICATE_BYTES = 16 * 1024
"""Ours have about 900 bytes; nothing that a card holds comes near."""


def certificate_from_untrusted(der: bytes) -> x509.Certificate:
    """Parse a certificate, with all that is else read only when asked for: names, validity, extensions, key.

    Args:
        der: one certificate and nothing after it.

    Raises:
        CertificateUnreadable
    """
    if len(der) > LARGEST_CERTIFICATE_BYTES:
        raise CertificateUnreadable(
            f"this has {len(der):,} bytes, and no certificate of a card or system has more than "
            f"{LARGEST_CERTIFICATE_BYTES:,}; give one X.509 certificate alone, without its chain or key"
        )
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.issuer, certificate.subject, certificate.extensions
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        certificate.public_key()
    except Exception as error:  # the parser raises several kinds, and new ones with new versions
        raise CertificateUnreadable(
            "this is not an X.509 certificate, or it is damaged; give one certificate whole, as PEM or DER"
        ) from error
    return certificate


def key_identifier(certificate: x509.Certificate) -> bytes | None:
    """The subject key identifier; None when there is none."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def issuer_key_identifier(certificate: x509.Certificate) -> bytes | None:
    """The authority key identifier; None when there is none."""
    try:
        return certificate.extensions.get_extension_for_class(
            x509.AuthorityKeyIdentifier
        ).value.key_identifier
    except x509.ExtensionNotFound:
        return None


def is_valid_at(certificate: x509.Certificate, moment: datetime) -> bool:
    """Whether the moment lies in the certificate's validity; both ends belong to it."""
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc
