"""Our own lint: a certificate is read back and compared with its profile before it is signed.

It reads the certificate and never the code that built it, so that a fault in one is found by the other.
"""

from __future__ import annotations

import re
import unicodedata

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from app.ca.contents import StatusAddresses, key_usage
from app.ca.names import MAXIMUM_COMMON_NAME
from app.ca.refusals import ProfileViolated
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import EXTENDED_KEY_USAGES, CertificateProfile
from app.domain.personal_name import PUNCTUATION

_ALWAYS = {
    ExtensionOID.BASIC_CONSTRAINTS: True,
    ExtensionOID.KEY_USAGE: True,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER: False,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER: False,
}
_ATTRIBUTE_NAMES = {"2.5.4.6": "C", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.3": "CN"}
_PLAIN = re.compile(r"[A-Za-z0-9_ '.\-]+")


class SubjectForm:
    """Which attributes of a profile's subject differ between certificates, and which values they may have.

    Attributes:
        varying: their places in the subject.
    """

    def __init__(self, profile: CertificateProfile) -> None:
        self.varying = [at for at, (_, pattern) in enumerate(profile.subject) if "{" in pattern]
        self._forms = [_pattern(pattern) for _, pattern in profile.subject]

    def allows(self, at: int, value: str) -> bool:
        """Whether the attribute at ``at`` may have the value: of its pattern's form, in letters of names."""
        return (
            len(value.encode()) <= MAXIMUM_COMMON_NAME
            and self._forms[at].fullmatch(value) is not None
            and (at not in self.varying or _PLAIN.fullmatch(value) is not None or _is_of_letters(value))
        )


def _is_of_letters(value: str) -> bool:
    return unicodedata.is_normalized("NFC", value) and all(
        _PLAIN.fullmatch(character) or character in PUNCTUATION or unicodedata.category(character)[0] in "LM"
        for character in value
    )


def require_profile(
    certificate: x509.Certificate,
    profile: CertificateProfile,
    issuer: x509.Certificate,
    addresses: StatusAddresses,
) -> None:
    """Refuse a certificate that is not what its profile says.

    Raises:
        ProfileViolated: naming what differs.
    """
    _require(certificate.version is x509.Version.v3, "it is not version 3")
    _require(certificate.issuer == issuer.subject, "it names another issuer")
    _require_serial_number(certificate.serial_number)
    _require_validity(certificate, profile, issuer)
    _require_subject(certificate.subject, profile)
    _require_extensions(certificate, profile)
    _require_usages(certificate, profile)
    _require_key_identifiers(certificate, issuer)
    if profile.purpose is not CertificatePurpose.OCSP_SIGNER:
        _require_addresses(certificate, profile.issuing_ca, addresses)


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ProfileViolated(f"The certificate was not signed because {what}.")


def _require_serial_number(serial_number: int) -> None:
    _require(128 <= serial_number.bit_length() <= 159, "its serial number is too short or too long")


def _require_validity(
    certificate: x509.Certificate, profile: CertificateProfile, issuer: x509.Certificate
) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    _require(profile.may_last(ends - begins), f"its validity is not {profile.validity.days} days")
    _require(
        ends <= issuer.not_valid_after_utc,
        "it would outlive its issuing CA; have another take over: docs/revocation.md",
    )


def _require_subject(subject: x509.Name, profile: CertificateProfile) -> None:
    attributes = [(_ATTRIBUTE_NAMES.get(each.oid.dotted_string), str(each.value)) for each in subject]
    _require(len(attributes) == len(profile.subject), "its subject has more or fewer attributes")
    form = SubjectForm(profile)
    for at, ((kind, value), (wanted_kind, pattern)) in enumerate(
        zip(attributes, profile.subject, strict=True)
    ):
        _require(
            kind == wanted_kind and form.allows(at, value),
            f"its subject {wanted_kind} is not of the form {pattern}, in letters of names",
        )


def _pattern(template: str) -> re.Pattern[str]:
    """The template as an expression: user and system ids are 12 digits, other fields are some text."""
    expression = re.escape(template)
    for field in ("uid", "asid"):
        expression = expression.replace(re.escape(f"{{{field}}}"), "[0-9]{12}")
    return re.compile(re.sub(r"\\\{[a-z_]+\\\}", ".+", expression))


def _require_extensions(certificate: x509.Certificate, profile: CertificateProfile) -> None:
    present = {each.oid: each.critical for each in certificate.extensions}
    _require(present == _expected_extensions(profile), "it has other extensions, or other critical ones")


def _expected_extensions(profile: CertificateProfile) -> dict[x509.ObjectIdentifier, bool]:
    expected = dict(_ALWAYS)
    if profile.extended_key_usage:
        expected[ExtensionOID.EXTENDED_KEY_USAGE] = False
    if profile.policies:
        expected[ExtensionOID.CERTIFICATE_POLICIES] = False
    if profile.purpose is CertificatePurpose.OCSP_SIGNER:
        expected[ExtensionOID.OCSP_NO_CHECK] = False
    else:
        expected[ExtensionOID.AUTHORITY_INFORMATION_ACCESS] = False
        expected[ExtensionOID.CRL_DISTRIBUTION_POINTS] = False
        expected[ExtensionOID.FRESHEST_CRL] = False
    return expected


def _require_usages(certificate: x509.Certificate, profile: CertificateProfile) -> None:
    extensions = certificate.extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints).value
    _require(not basic.ca, "it would be a CA")
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    _require(usage == key_usage(profile.key_usage), "its key usage differs")
    if profile.extended_key_usage:
        present = [
            each.dotted_string for each in extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        ]
        wanted = [EXTENDED_KEY_USAGES[name] for name in profile.extended_key_usage]
        _require(present == wanted, "its extended key usage differs")
    if profile.policies:
        policies = extensions.get_extension_for_class(x509.CertificatePolicies).value
        identifiers = tuple(each.policy_identifier.dotted_string for each in policies)
        _require(identifiers == profile.policies, "its policies differ")


def _require_key_identifiers(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    expected = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    _require(own == expected, "its subject key identifier is not that of its key")
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    issuers = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    _require(
        authority.key_identifier == issuers.digest, "its authority key identifier is not that of its issuer"
    )


def _require_addresses(certificate: x509.Certificate, issuing_ca: str, addresses: StatusAddresses) -> None:
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    found = [str(each.access_location.value) for each in access]
    _require(found == [addresses.ocsp, addresses.certificate(issuing_ca)], "its status addresses differ")
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    _require(_addresses_of(points) == [addresses.crl(issuing_ca)], "its CRL address differs")
    freshest = certificate.extensions.get_extension_for_class(x509.FreshestCRL).value
    _require(_addresses_of(freshest) == [addresses.delta_crl(issuing_ca)], "its delta CRL address differs")


def _addresses_of(points: x509.CRLDistributionPoints | x509.FreshestCRL) -> list[str]:
    return [str(name.value) for point in points for name in point.full_name or []]
