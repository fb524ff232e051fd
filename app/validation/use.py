"""What a certificate must be for: key usage, extended key usage and policies, as our profiles set them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.domain.certificate_profile import EXTENDED_KEY_USAGES, CertificateProfile
from app.validation.refusals import NotForThisUse

_USAGE_NAMES = {
    "digitalSignature": "digital_signature",
    "contentCommitment": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
}

# anyExtendedKeyUsage, and signing documents (RFC 9336).
_FOR_DOCUMENTS = frozenset({ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string, "1.3.6.1.5.5.7.3.36"})


@dataclass(frozen=True)
class CertificateUse:
    """A use of an end entity's key.

    Attributes:
        key_usage: the bits that must be set, by their names in RFC 5280 section 4.2.1.3; the extension must
            be there.
        extended_key_usage: purposes that must be named (dotted); with none, the extension may be left out,
            and where it is there it must not keep the key from signing documents.
        policies: acceptable policies (dotted); none takes any, even none.
    """

    key_usage: frozenset[str]
    extended_key_usage: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()

    @classmethod
    def of(cls, profile: CertificateProfile, former_policies: Iterable[str] = ()) -> CertificateUse:
        """The use that a certificate profile is for.

        Args:
            former_policies: those that certificates were issued under before, and that still count.
        """
        return cls(
            profile.key_usage,
            frozenset(EXTENDED_KEY_USAGES[name] for name in profile.extended_key_usage),
            frozenset((*profile.policies, *former_policies)) if profile.policies else frozenset(),
        )


SIGN_IN = CertificateUse(
    frozenset({"digitalSignature"}), frozenset({ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string})
)
CONTENT_COMMITMENT = CertificateUse(frozenset({"contentCommitment"}))


def require_use(certificate: x509.Certificate, use: CertificateUse) -> None:
    """Refuse a certificate whose key is for something else.

    Raises:
        NotForThisUse
    """
    _require_end_entity(certificate)
    _require_key_usage(certificate, use.key_usage)
    _require_extended_key_usage(certificate, use.extended_key_usage)


def _require_end_entity(certificate: x509.Certificate) -> None:
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return
    if basic.ca:
        raise NotForThisUse("the certificate is a CA's")


def _require_key_usage(certificate: x509.Certificate, names: frozenset[str]) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        raise NotForThisUse("the certificate has no key usage") from error
    for name in sorted(names):
        if not getattr(usage, _USAGE_NAMES[name]):
            raise NotForThisUse(f"the key usage has no {name}")


def _require_extended_key_usage(certificate: x509.Certificate, wanted: frozenset[str]) -> None:
    """anyExtendedKeyUsage stands for no purpose that we want named: RFC 5280 4.2.1.12 leaves that to us.

    The same section lets a key be used for none but the purposes that its certificate names.
    """
    try:
        named = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound as error:
        if not wanted:
            return
        raise NotForThisUse("the certificate has no extended key usage") from error
    purposes = {purpose.dotted_string for purpose in named}
    if not wanted and not purposes & _FOR_DOCUMENTS:
        raise NotForThisUse("the extended key usage names other purposes only")
    missing = wanted - purposes
    if missing:
        raise NotForThisUse(f"the extended key usage lacks {', '.join(sorted(missing))}")
