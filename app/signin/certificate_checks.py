"""A card's authentication certificate at sign-in: validated as everywhere, refused in sign-in's own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from app.signin.refusals import (
    CertificateHasExpired,
    CertificateNotForSignIn,
    CertificateNotOurs,
    CertificateNotYetValid,
    CertificateUnreadable,
    IssuingCertificateNotValid,
    IssuingCertificateRevoked,
    IssuingCertificateStatusUnknown,
    SignInRefused,
)
from app.validation import refusals
from app.validation.certificates import certificate_from_untrusted
from app.validation.path import CertificationPath, PathValidator, require_valid
from app.validation.status import StatusSource

_IN_OUR_WORDS: dict[type[refusals.PathRefused], type[SignInRefused]] = {
    refusals.CertificateUnreadable: CertificateUnreadable,
    refusals.IssuerNotValid: IssuingCertificateNotValid,
    refusals.NotYetValid: CertificateNotYetValid,
    refusals.HasExpired: CertificateHasExpired,
    refusals.NotForThisUse: CertificateNotForSignIn,
    refusals.KeyTooWeak: CertificateNotForSignIn,
    refusals.PolicyNotAccepted: CertificateNotForSignIn,
    refusals.StatusUnknown: IssuingCertificateStatusUnknown,
}


@dataclass(frozen=True)
class CardPaths:
    """How cards' certificates are believed at sign-in.

    Attributes:
        validator: of the path to our root.
        issuers: tells whether the root has revoked the issuing CA; of cards our register tells.
    """

    validator: PathValidator
    issuers: StatusSource


def require_for_sign_in(der: bytes, paths: CardPaths, now: datetime) -> x509.Certificate:
    """The certificate, once its path is valid now, or was when it was valid itself: ``require_valid_now``.

    Raises:
        SignInRefused
    """
    try:
        certificate = certificate_from_untrusted(der)
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        path = paths.validator.validate(certificate, min(max(now, begins), ends))
        _require_issuer_not_revoked(path, paths.issuers, now)
    except refusals.PathRefused as refused:
        raise _in_our_words(refused) from refused
    return certificate


def require_valid_now(certificate: x509.Certificate, now: datetime) -> None:
    """Refuse a certificate before and after its validity; both ends belong to it.

    Raises:
        CertificateNotYetValid, CertificateHasExpired
    """
    try:
        require_valid(certificate, now)
    except refusals.PathRefused as refused:
        raise _in_our_words(refused) from refused


def _require_issuer_not_revoked(path: CertificationPath, issuers: StatusSource, now: datetime) -> None:
    """Whatever the reason: only the root can say of a CA that it is none any more (RFC 5280 section 6.3)."""
    revoked = issuers.revocation(path.issuer, path.root, now)
    if revoked is not None:
        named = path.issuer.subject.rfc4514_string()
        raise IssuingCertificateRevoked(f"the root revoked {named} at {revoked.at}: {revoked.reason}")


def _in_our_words(refused: refusals.PathRefused) -> SignInRefused:
    return _IN_OUR_WORDS.get(type(refused), CertificateNotOurs)(str(refused))
