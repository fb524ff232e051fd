"""Certificate revocation lists (RFC 5280 section 5), complete and delta, linted before they are signed.

A national list has hundreds of thousands of entries, so the entries are written as DER here. Each of them is
read back strictly; the linter sees the list with a random few of them, each time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca import der
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.ocsp_form import REASON_CODES
from app.ca.refusals import LintFailed
from app.ca.signing import signature_hash, signed
from app.ca.status_values import PublishedCrl, Revocation

KEPT_AFTER_EXPIRY = timedelta(days=7)
"""A revoked certificate stays in the CRL this long after it expired, so that each is seen in one at least."""

LINTED_ENTRIES = 20
_AFTER_NEXT_UPDATE = 5
_REASON = bytes.fromhex("0603551d15")
_READ_TIME: dict[int, Callable[[bytes], datetime]] = {
    der.UTC_TIME: der.utc_time,
    der.GENERALIZED_TIME: der.generalized_time_of,
}


@dataclass(frozen=True)
class CrlPlan:
    """What a CRL says besides its entries.

    Attributes:
        base_number: makes it a delta CRL relative to that complete one (RFC 5280 section 5.2.4).
        delta_address: where a complete CRL says that delta CRLs are (freshest CRL); empty for nowhere.
    """

    issuing_ca: str
    number: int
    this_update: datetime
    validity: timedelta
    base_number: int | None = None
    delta_address: str = ""


def build_crl(
    plan: CrlPlan, issuer: Issuer, revocations: Sequence[Revocation], linter: Linter
) -> PublishedCrl:
    """Build, lint with a throw-away key, and sign.

    Raises:
        LintFailed
    """
    begins = plan.this_update.replace(microsecond=0)
    frame = _Frame(plan, issuer, begins)
    entries = [_entry(each) for each in revocations]
    for entry, revocation in zip(entries, revocations, strict=True):
        _require_same(entry, revocation)
    linter.require_clean_crl(frame.signed_by_throw_away_key(_some(entries)))
    return PublishedCrl(
        plan.issuing_ca, plan.number, begins, begins + plan.validity, frame.signed(entries), plan.base_number
    )


class _Frame:
    """The CRL without its entries: as the library builds it."""

    def __init__(self, plan: CrlPlan, issuer: Issuer, begins: datetime) -> None:
        self._issuer = issuer
        key = issuer.throw_away_key
        empty = _contents(plan, issuer.certificate, begins).sign(key, signature_hash(key))
        self._to_be_signed, self._algorithm, _ = der.children(empty.public_bytes(Encoding.DER))

    def signed(self, entries: Sequence[bytes]) -> bytes:
        return signed(self._with(entries), self._algorithm, self._issuer.key)

    def signed_by_throw_away_key(self, entries: Sequence[bytes]) -> bytes:
        return signed(self._with(entries), self._algorithm, self._issuer.throw_away_key)

    def _with(self, entries: Sequence[bytes]) -> bytes:
        """Without entries the field is left out (RFC 5280 section 5.1.2.6)."""
        fields = der.children(self._to_be_signed)
        if entries:
            fields.insert(_AFTER_NEXT_UPDATE, der.sequence(*entries))
        return der.sequence(*fields)


def _contents(
    plan: CrlPlan, certificate: x509.Certificate, begins: datetime
) -> x509.CertificateRevocationListBuilder:
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(begins)
        .next_update(begins + plan.validity)
        .add_extension(authority_key, critical=False)
        .add_extension(x509.CRLNumber(plan.number), critical=False)
    )
    if plan.base_number is not None:
        return builder.add_extension(x509.DeltaCRLIndicator(plan.base_number), critical=True)
    if plan.delta_address:
        address = x509.UniformResourceIdentifier(plan.delta_address)
        point = x509.DistributionPoint([address], relative_name=None, reasons=None, crl_issuer=None)
        return builder.add_extension(x509.FreshestCRL([point]), critical=False)
    return builder


def _some(entries: Sequence[bytes]) -> Sequence[bytes]:
    """All entries, or so many of them, chosen at random, as the linter can walk over in a moment."""
    if len(entries) <= LINTED_ENTRIES:
        return entries
    return secrets.SystemRandom().sample(entries, LINTED_ENTRIES)


def _entry(revocation: Revocation) -> bytes:
    """One of the revokedCertificates (RFC 5280 section 5.1.2.6)."""
    code = REASON_CODES.get(revocation.reason)
    # RFC 5280 section 5.3.1: leave the reason out instead of saying "unspecified".
    value = der.element(der.OCTET_STRING, der.element(der.ENUMERATED, bytes([code]))) if code else b""
    extensions = der.sequence(der.sequence(_REASON, value)) if code else b""
    return der.sequence(
        der.integer(int(revocation.serial_number, 16)), der.time(revocation.revoked_at), extensions
    )


def _require_same(entry: bytes, revocation: Revocation) -> None:
    """Read the entry back: it must be in the one right form and say what is on record.

    Raises:
        LintFailed
    """
    try:
        serial_number, time, *extensions = der.children(entry)
        said = der.unsigned_integer(serial_number), _READ_TIME[time[0]](time), _reason_of(extensions)
    except (der.NotDer, ValueError, KeyError) as error:
        raise LintFailed("The CRL was not signed because an entry of it cannot be read back.") from error
    code = REASON_CODES.get(revocation.reason)
    if said != (int(revocation.serial_number, 16), revocation.revoked_at, code):
        raise LintFailed(f"The CRL was not signed: its entry for {revocation.serial_number} says otherwise.")


def _reason_of(extensions: Sequence[bytes]) -> int | None:
    if not extensions:
        return None
    [extension] = der.children(extensions[0])
    identifier, value = der.children(extension)
    reason = der.content(value)
    if identifier != _REASON or reason[:2] != bytes([der.ENUMERATED, 1]) or len(reason) != 3:
        raise der.NotDer("no reason code")
    return reason[2]
