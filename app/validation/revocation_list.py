"""A CRL that a stranger hands in, checked before it is believed (RFC 5280 sections 5 and 6.3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from app.validation.refusals import StatusUnknown
from app.validation.status import Revoked

_CLOCKS_DIFFER_BY = timedelta(minutes=5)
_KNOWN_EXTENSIONS = (x509.CRLNumber, x509.AuthorityKeyIdentifier, x509.AuthorityInformationAccess)


@dataclass(frozen=True)
class StatusLimits:
    """How large, and how old, a CRL or an OCSP answer may be.

    Attributes:
        largest_bytes: of the whole document.
        longest_age: since this update, whatever next update says.
    """

    largest_bytes: int = 8 * 1024 * 1024
    longest_age: timedelta = timedelta(days=3)


DEFAULT_LIMITS = StatusLimits()


class CheckedRevocationList:
    """A complete CRL of one issuer that was authentic and in force when it was checked."""

    def __init__(self, crl: x509.CertificateRevocationList) -> None:
        self._crl = crl

    @property
    def next_update(self) -> datetime:
        """Until when it counts."""
        ends = self._crl.next_update_utc
        assert ends is not None  # checked before this object was made
        return ends

    @property
    def this_update(self) -> datetime:
        """When it was made."""
        return self._crl.last_update_utc

    def revocation(self, certificate: x509.Certificate) -> Revoked | None:
        """How the certificate is listed; None when it is not."""
        entry = self._crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is None:
            return None
        return Revoked(_reason_of(entry), entry.revocation_date_utc)


def revocation_list_from_untrusted(
    der: bytes, issuer: x509.Certificate, now: datetime, limits: StatusLimits = DEFAULT_LIMITS
) -> CheckedRevocationList:
    """Check a CRL that ought to be the issuer's complete one.

    Raises:
        StatusUnknown: saying what is wrong with it.
    """
    if len(der) > limits.largest_bytes:
        raise StatusUnknown(f"the CRL has {len(der)} bytes, {limits.largest_bytes} are allowed")
    try:
        crl = x509.load_der_x509_crl(der)
        _require_plain(crl)
        _require_issuer(crl, issuer)
    except (ValueError, x509.DuplicateExtension) as error:
        raise StatusUnknown("the CRL cannot be read") from error
    require_in_force("CRL", crl.last_update_utc, crl.next_update_utc, now, limits)
    return CheckedRevocationList(crl)


def require_in_force(
    what: str, this_update: datetime, next_update: datetime | None, now: datetime, limits: StatusLimits
) -> None:
    """Refuse status information before, after and without its time, and what is older than we allow.

    Raises:
        StatusUnknown
    """
    if this_update > now + _CLOCKS_DIFFER_BY:
        raise StatusUnknown(f"the {what} is of the future: {this_update}")
    if next_update is None or next_update < now:
        raise StatusUnknown(f"the {what} counted until {next_update}")
    if now - this_update > limits.longest_age:
        raise StatusUnknown(f"the {what} is of {this_update}, older than {limits.longest_age}")


def _require_plain(crl: x509.CertificateRevocationList) -> None:
    """Refuse delta, indirect and partial CRLs: they do not tell about every certificate of the issuer."""
    for extension in crl.extensions:
        if isinstance(extension.value, _KNOWN_EXTENSIONS):
            continue
        if extension.critical or isinstance(extension.value, x509.DeltaCRLIndicator):
            raise StatusUnknown(f"the CRL is not a complete one: {extension.oid._name}")
    if not isinstance(crl.signature_hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        raise StatusUnknown("the CRL's signature algorithm is not accepted")


def _require_issuer(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> None:
    usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    if crl.issuer != issuer.subject or not usage.crl_sign:
        raise StatusUnknown("the CRL is not of the certificate's issuer")
    if not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # CAs hold EC or RSA keys
        raise StatusUnknown("the CRL is not signed by the certificate's issuer")


def _reason_of(entry: x509.RevokedCertificate) -> str:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return x509.ReasonFlags.unspecified.value
