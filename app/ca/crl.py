"""Certificate revocation lists (RFC 5280 section 5): one for each CA, numbers strictly rising."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.ports import PublishedCrl, Revocation, SigningKey
from app.ca.signing import signature_hash
from app.domain.revocation import RevocationReason

KEPT_AFTER_EXPIRY = timedelta(days=7)
"""A revoked certificate stays in the CRL this long after it expired, so that each is seen in one at least."""


def build_crl(
    issuing_ca: str,
    issuer: Issuer,
    number: int,
    revocations: Sequence[Revocation],
    this_update: datetime,
    validity: timedelta,
    linter: Linter,
) -> PublishedCrl:
    """Build, lint with a throw-away key, and sign.

    Raises:
        LintFailed
    """
    begins = this_update.replace(microsecond=0)
    builder = _contents(issuer.certificate, number, revocations, begins, begins + validity)
    linter.require_clean_crl(_signed(builder, issuer.throw_away_key))
    return PublishedCrl(issuing_ca, number, begins, begins + validity, _signed(builder, issuer.key))


def _contents(
    certificate: x509.Certificate,
    number: int,
    revocations: Sequence[Revocation],
    this_update: datetime,
    next_update: datetime,
) -> x509.CertificateRevocationListBuilder:
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(this_update)
        .next_update(next_update)
        .add_extension(authority_key, critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for revocation in revocations:
        builder = builder.add_revoked_certificate(_entry(revocation))
    return builder


def _entry(revocation: Revocation) -> x509.RevokedCertificate:
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(int(revocation.serial_number, 16))
        .revocation_date(revocation.revoked_at)
    )
    # RFC 5280 section 5.3.1: leave the reason out instead of saying "unspecified".
    if revocation.reason is not RevocationReason.UNSPECIFIED:
        entry = entry.add_extension(x509.CRLReason(reason_flag(revocation.reason)), critical=False)
    return entry.build()


def reason_flag(reason: RevocationReason) -> x509.ReasonFlags:
    """The reason as the library names it."""
    return x509.ReasonFlags(reason.value)


def _signed(builder: x509.CertificateRevocationListBuilder, key: SigningKey) -> bytes:
    return builder.sign(key, signature_hash(key)).public_bytes(Encoding.DER)
