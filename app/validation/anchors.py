"""The CA certificates that everything must lead to, as the installation holds them; none comes along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from app.validation.certificates import issuer_key_identifier, key_identifier


class TrustAnchorsNotUsable(ValueError):
    """The configured CA certificates do not form a path: a fault in the installation, told at start."""


@dataclass(frozen=True)
class TrustAnchors:
    """A root and the issuing CAs beneath it that may issue for one use.

    A card's authentication certificate leads through the authentication CA and no other of the same root, so
    each use has anchors of its own. More than one issuing CA is for the years in which one takes over from
    another.

    Raises:
        TrustAnchorsNotUsable: one of them is no CA, or the root did not sign another.
    """

    root: x509.Certificate
    issuing_cas: tuple[x509.Certificate, ...]

    def __post_init__(self) -> None:
        """Check once, at start, what never changes."""
        if not self.issuing_cas:
            raise TrustAnchorsNotUsable("there is no issuing CA")
        for certificate in (self.root, *self.issuing_cas):
            _require_ca(certificate)
        for certificate in self.issuing_cas:
            _require_signed_by(certificate, self.root)

    @classmethod
    def from_pem(cls, root: bytes, *issuing_cas: bytes) -> TrustAnchors:
        """From PEM files' contents."""
        return cls(
            x509.load_pem_x509_certificate(root),
            tuple(x509.load_pem_x509_certificate(each) for each in issuing_cas),
        )

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate | None:
        """The issuing CA that the certificate names, by name and key identifier; no signature is checked."""
        return issuer_among(certificate, self.issuing_cas)


def issuer_among(
    certificate: x509.Certificate, candidates: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """The one that the certificate names as its issuer (RFC 5280 sections 4.1.2.4 and 4.2.1.1)."""
    named = issuer_key_identifier(certificate)
    for candidate in candidates:
        identifier = key_identifier(candidate)
        is_same_key = named is None or identifier is None or named == identifier
        if candidate.subject == certificate.issuer and is_same_key:
            return candidate
    return None


def _require_ca(certificate: x509.Certificate) -> None:
    try:
        is_ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        may_sign = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as error:
        raise TrustAnchorsNotUsable(f"{certificate.subject.rfc4514_string()} is no CA: {error}") from error
    if not (is_ca and may_sign):
        raise TrustAnchorsNotUsable(f"{certificate.subject.rfc4514_string()} is no CA")


def _require_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError) as error:
        name = certificate.subject.rfc4514_string()
        raise TrustAnchorsNotUsable(f"the certificate of {name} was not issued by the root") from error


@dataclass(frozen=True)
class RevokedByRoot:
    """The CAs that the root has revoked, and its list that says so; both empty while there is none."""

    lists: Sequence[x509.CertificateRevocationList] = ()
    authorities: Sequence[x509.Certificate] = ()
