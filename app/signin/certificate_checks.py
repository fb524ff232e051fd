"""A card's authentication certificate at sign-in: validated as everywhere, refused in sign-in's own words."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from app.signin.refusals import (
    CertificateHasExpired,
    CertificateNotForSignIn,
    CertificateNotOurs,
    CertificateNotYetValid,
    CertificateUnreadable,
    IssuingCertificateNotValid,
    SignInRefused,
)
from app.validation import refusals
from app.validation.certificates import certificate_from_untrusted
from app.validation.path import PathValidator, require_valid

_IN_OUR_WORDS: dict[type[refusals.PathRefused], type[SignInRefused]] = {
    refusals.CertificateUnreadable: CertificateUnreadable,
    refusals.IssuerNotValid: IssuingCertificateNotValid,
    refusals.NotYetValid: CertificateNotYetValid,
    refusals.HasExpired: CertificateHasExpired,
    refusals.NotForThisUse: CertificateNotForSignIn,
    refusals.KeyTooWeak: CertificateNotForSignIn,
    refusals.PolicyNotAccepted: CertificateNotForSignIn,
}


def require_for_sign_in(der: bytes, paths: PathValidator, now: datetime) -> x509.Certificate:
    """The certificate, once its path is valid now, or was when it was valid itself: ``require_valid_now``.

    Raises:
        SignInRefused
    """
    try:
        certificate = certificate_from_untrusted(der)
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        paths.validate(certificate, min(max(now, begins), ends))
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


def _in_our_words(refused: refusals.PathRefused) -> SignInRefused:
    return _IN_OUR_WORDS.get(type(refused), CertificateNotOurs)(str(refused))
