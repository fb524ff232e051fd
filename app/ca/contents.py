"""What goes into each kind of certificate: the fields and extensions of RFC 5280, before any signature."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from app.ca.ports import PublicKey
from app.ca.refusals import TemporaryTooLong
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import EXTENDED_KEY_USAGES, CertificateProfile

SERIAL_NUMBER_BITS = 159
"""Random bits in a serial number: positive and within 20 octets (RFC 5280 section 4.1.2.2)."""

ANY_POLICY = "2.5.29.32.0"


@dataclass(frozen=True)
class StatusAddresses:
    """Where relying parties find CRLs, OCSP answers and CA certificates.

    Attributes:
        origin: scheme, host and port of the status service, without a slash at the end.
    """

    origin: str

    @property
    def ocsp(self) -> str:
        """Where OCSP is asked."""
        return f"{self.origin}/ocsp"

    def crl(self, issuing_ca: str) -> str:
        """Where the CRL of a CA is."""
        return f"{self.origin}/crl/{issuing_ca}.crl"

    def delta_crl(self, issuing_ca: str) -> str:
        """Where the delta CRL of a CA is."""
        return f"{self.origin}/delta-crl/{issuing_ca}.crl"

    def certificate(self, issuing_ca: str) -> str:
        """Where the certificate of a CA is."""
        return f"{self.origin}/certificates/{issuing_ca}.cer"


@dataclass(frozen=True)
class Validity:
    """From not before to not after, both in whole seconds, UTC."""

    not_before: datetime
    not_after: datetime

    @classmethod
    def beginning(cls, start: datetime, lasting: timedelta) -> Validity:
        """A validity from ``start``, cut to the second, as X.509 keeps it."""
        not_before = start.replace(microsecond=0)
        return cls(not_before, not_before + lasting)


def lasting(profile: CertificateProfile, temporary_hours: int | None) -> timedelta:
    """How long a certificate lasts: as its profile says, or a temporary card's hours, which it bounds.

    Raises:
        TemporaryTooLong
    """
    if temporary_hours is None:
        return profile.validity
    asked = timedelta(hours=temporary_hours)
    if asked > profile.temporary_longest:
        raise TemporaryTooLong(
            f"A temporary card may work for {profile.temporary_longest // timedelta(hours=1)} hours at most."
            " Undo the issuance and begin again for a shorter time."
        )
    return asked


def new_serial_number() -> int:
    """A serial number that cannot be guessed."""
    return secrets.randbits(SERIAL_NUMBER_BITS) | (1 << (SERIAL_NUMBER_BITS - 1))


def end_entity(
    profile: CertificateProfile,
    subject: x509.Name,
    key: PublicKey,
    issuer: x509.Certificate,
    addresses: StatusAddresses,
    validity: Validity,
) -> x509.CertificateBuilder:
    """A certificate for a person, a system or an OCSP responder, as its profile says."""
    builder = _begin(subject, key, issuer.subject, validity)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(key_usage(profile.key_usage), critical=True)
    if profile.extended_key_usage:
        usages = [x509.ObjectIdentifier(EXTENDED_KEY_USAGES[name]) for name in profile.extended_key_usage]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if profile.policies:
        builder = builder.add_extension(_policies(profile.policies), critical=False)
    builder = builder.add_extension(_authority_key(issuer), critical=False)
    if profile.purpose is CertificatePurpose.OCSP_SIGNER:
        # RFC 6960 section 4.2.2.2.1: nobody asks for the status of the responder that answers.
        return builder.add_extension(x509.OCSPNoCheck(), critical=False)
    builder = _with_addresses(builder, profile.issuing_ca, addresses, with_ocsp=True)
    freshest = x509.FreshestCRL([_point(addresses.delta_crl(profile.issuing_ca))])
    return builder.add_extension(freshest, critical=False)


def root_ca(subject: x509.Name, key: PublicKey, validity: Validity) -> x509.CertificateBuilder:
    """A self-signed root, which may have issuing CAs below it and nothing below them."""
    builder = _authority(_begin(subject, key, subject, validity), path_length=1)
    own_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return builder.add_extension(own_key, critical=False)


def issuing_ca(
    subject: x509.Name,
    key: PublicKey,
    root: x509.Certificate,
    root_name: str,
    addresses: StatusAddresses,
    validity: Validity,
) -> x509.CertificateBuilder:
    """An issuing CA below the root. Its status is in the root's CRL; the root answers no OCSP."""
    builder = _authority(_begin(subject, key, root.subject, validity), path_length=0)
    builder = builder.add_extension(_policies((ANY_POLICY,)), critical=False)
    builder = builder.add_extension(_authority_key(root), critical=False)
    return _with_addresses(builder, root_name, addresses, with_ocsp=False)


def key_usage(names: frozenset[str]) -> x509.KeyUsage:
    """The key usage extension (RFC 5280 section 4.2.1.3) with these bits set."""
    return x509.KeyUsage(
        digital_signature="digitalSignature" in names,
        content_commitment="contentCommitment" in names,
        key_encipherment="keyEncipherment" in names,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign="keyCertSign" in names,
        crl_sign="cRLSign" in names,
        encipher_only=False,
        decipher_only=False,
    )


def _begin(
    subject: x509.Name, key: PublicKey, issuer_name: x509.Name, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key)
        .serial_number(new_serial_number())
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority(builder: x509.CertificateBuilder, path_length: int) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return builder.add_extension(key_usage(frozenset({"keyCertSign", "cRLSign"})), critical=True)


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _policies(identifiers: tuple[str, ...]) -> x509.CertificatePolicies:
    return x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier(identifier), None) for identifier in identifiers]
    )


def _with_addresses(
    builder: x509.CertificateBuilder, issuer_name: str, addresses: StatusAddresses, *, with_ocsp: bool
) -> x509.CertificateBuilder:
    """Authority information access and CRL distribution point (RFC 5280 sections 4.2.2.1, 4.2.1.13)."""
    access = [_access(AuthorityInformationAccessOID.CA_ISSUERS, addresses.certificate(issuer_name))]
    if with_ocsp:
        access.insert(0, _access(AuthorityInformationAccessOID.OCSP, addresses.ocsp))
    points = x509.CRLDistributionPoints([_point(addresses.crl(issuer_name))])
    builder = builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
    return builder.add_extension(points, critical=False)


def _point(address: str) -> x509.DistributionPoint:
    name = x509.UniformResourceIdentifier(address)
    return x509.DistributionPoint(full_name=[name], relative_name=None, reasons=None, crl_issuer=None)


def _access(method: x509.ObjectIdentifier, address: str) -> x509.AccessDescription:
    return x509.AccessDescription(method, x509.UniformResourceIdentifier(address))
